export { nhwc, readArrays, readGoldenCase, type GoldenArray, type GoldenCase } from './golden-case.js';
export {
  readGoldenImages,
  readGoldenNetwork,
  type GoldenImages,
  type GoldenNetwork,
} from './golden-network.js';
