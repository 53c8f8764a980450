import { beforeAll, describe } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { GOLDEN_NAMES, goldenForward } from './golden-conformance.js';

describe('goldens on the tfjs cpu backend', () => {
  beforeAll(() => tf.setBackend('cpu'));
  for (const name of GOLDEN_NAMES) goldenForward(name);
});
