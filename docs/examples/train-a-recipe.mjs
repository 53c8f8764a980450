// docs/examples/train-a-recipe.mjs
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { useBackend } from '@revat/backend';
import { train } from '@revat/train';

await useBackend('onnx');
const recipe = {
  name: 'digits in two stages',
  seed: 0,
  data: { name: 'digits', imageSize: 32 },
  model: { name: 'convnext_micro', stem: 'conv', depths: [1, 1], dims: [16, 32], numClasses: 10 },
  stages: [
    { name: 'clean', epochs: 2, batchSize: 32, learningRate: 5e-3 },
    { name: 'adversarial', epochs: 1, learningRate: 3e-3, attack: { norm: 'Linf', eps: '8/255', steps: 2 } },
  ],
};
const out = path.join(mkdtempSync(path.join(os.tmpdir(), 'revat-')), 'run');
const { history, checkpoints } = await train(recipe, { out });
for (const { stage, epoch, trainLoss, cleanAccuracy } of history)
  console.log(`${stage} ${epoch}: loss ${trainLoss.toFixed(3)}, clean accuracy ${cleanAccuracy.toFixed(3)}`);
console.log(checkpoints.map(({ weights }) => path.basename(weights)).join(', '));
