import { beforeAll, describe } from '@jest/globals';
import { useBackend } from '@revat/backend';
import {
  BATCH_NORM_GOLDENS,
  GOLDEN_NAMES,
  goldenForward,
  goldenGradients,
  goldenTrainMode,
} from './golden-conformance.js';

describe('goldens on the onnx engine', () => {
  beforeAll(() => useBackend('onnx'));
  for (const name of GOLDEN_NAMES) goldenForward(name);
  for (const name of GOLDEN_NAMES) goldenGradients(name);
  for (const name of BATCH_NORM_GOLDENS) goldenTrainMode(name);
});
