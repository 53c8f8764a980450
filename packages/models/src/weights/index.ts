export { blobSource, bufferSource, type ByteSource } from './byte-source.js';
export { toFloat32, type DType, type NamedTensor, type TensorData } from './dtype.js';
export { openSafetensors, readSafetensors } from './read-safetensors.js';
export {
  encodeSafetensors,
  writeSafetensors,
  type WritableTensor,
  type WritableTensors,
} from './write-safetensors.js';
export { openSource, type WeightSource } from './source.js';
export type { TensorFile, TensorInfo } from './tensor-file.js';
export { fromTorch, toTorch } from './torch-layout.js';
export { openCheckpoint, readCheckpoint, type Checkpoint, type CheckpointOptions } from './checkpoint.js';
export type { PyTorchOptions } from './pytorch.js';
export type { SectionChoice } from './state-dict.js';
export { loadWeights, type LoadOptions, type LoadReport } from './load-weights.js';
export { encodeWeights, exportTensors, saveWeights } from './save-weights.js';
export type { RemoteOptions } from './remote-options.js';
export { loadModel } from './load-model.js';
export { loadTfjsModel, tfjsFiles, type TfjsGraphModel, type TfjsLayersModel } from './tfjs-model.js';
