// docs/examples/load-checkpoint.mjs
// Saves a network, loads it back, moves its weights to another stem and head, and looks into a checkpoint.
//   node docs/examples/load-checkpoint.mjs [checkpoint.pt | model.safetensors | folder | URL | hf:owner/name]
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { useBackend } from '@revat/backend';
import { createModel, loadModel, loadWeights, openCheckpoint, saveWeights } from '@revat/models';
import * as tf from '@tensorflow/tfjs-core';

await useBackend('auto');
const folder = await mkdtemp(path.join(os.tmpdir(), 'revat-'));

// A pre-trained network with a patch stem; saved under timm's names in PyTorch's layouts.
const options = { depths: [1, 2, 1], dims: [32, 64, 128], downsampleStrides: [2, 2], imageSize: 32 };
const pretrained = createModel('convnext', {
  ...options,
  stem: 'patch',
  numClasses: 10,
  normalization: 'imagenet',
});
const file = path.join(folder, 'pretrained.safetensors');
await saveWeights(pretrained, file);

// The file says how to build its model.
const again = await loadModel(file);
const image = tf.randomUniform([1, 32, 32, 3], 0, 1, 'float32', 7);
const [before, after] = [pretrained, again].map((model) => model.classify(image));
const difference = tf.max(tf.abs(tf.sub(before, after)));
console.log(`largest difference of the logits after loading: ${(await difference.data())[0]}`);

// As the paper does before adversarial training: the stem becomes a ConvStem, the classes are others, the rest stays.
const robust = createModel('convnext', { ...options, stem: 'conv', numClasses: 100 });
const report = await loadWeights(robust, file, { strict: false });
console.log(`loaded ${report.loaded.length} tensors, normalisation ${JSON.stringify(report.normalization)}`);
console.log(`  keep their initial values: ${report.missing.join(', ')}`);
console.log(`  left over in the file: ${report.unexpected.join(', ')}`);
for (const { name, file: found, model } of report.mismatched)
  console.log(`  ${name}: [${found}] instead of [${model}]`);

// Any checkpoint: what is in it? Shapes are read, values are not.
const checkpoint = await openCheckpoint(process.argv[2] ?? file);
console.log(`\n${path.basename(checkpoint.name)}: ${checkpoint.tensors.size} tensors, the first of them:`);
for (const [name, { dtype, shape }] of [...checkpoint.tensors].slice(0, 5)) {
  console.log(`  ${name.padEnd(30)} ${dtype} [${shape}]`);
}
await checkpoint.close();

tf.dispose([image, before, after, difference]);
for (const model of [pretrained, again, robust]) model.dispose();
await rm(folder, { recursive: true });
