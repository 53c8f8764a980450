// docs/examples/build-and-profile-model.mjs
// Builds networks of the paper, counts their parameters and FLOPs, and classifies, inspects and adapts a small one.
import { useBackend } from '@revat/backend';
import { createModel, profile, withImageSize, withNumClasses } from '@revat/models';
import * as tf from '@tensorflow/tfjs-core';

await useBackend('auto');

// Counting allocates nothing: `deferred` leaves out the parameters until something needs them.
for (const stem of ['patch', 'conv', 'table7-conv7s2-conv3s2']) {
  const model = createModel('convnext_tiny', { stem }, { deferred: true });
  const { params, macs, flops, perStage } = profile(model, { imageSize: 224 });
  console.log(`ConvNeXt-T, stem ${stem}: ${(params / 1e6).toFixed(2)} M parameters,`);
  console.log(`  ${(flops / 1e9).toFixed(2)} GFLOP (fvcore), ${(macs / 1e9).toFixed(2)} GMAC,`);
  console.log(`  of which the stem ${(perStage.get('stem').flops / 1e9).toFixed(3)} GFLOP`);
}

// A small ConvNeXt for 32 x 32 images; every family takes an explicit configuration.
const model = createModel('convnext', {
  stem: 'conv',
  depths: [1, 2, 1],
  dims: [32, 64, 128],
  downsampleStrides: [2, 2],
  layerScale: 0.1,
  imageSize: 32,
  numClasses: 10,
  normalization: 'imagenet',
  seed: 1,
});
const images = tf.randomUniform([4, 32, 32, 3], 0, 1, 'float32', 7);
const logits = model.classify(images);
console.log(`\n${model.name}: images ${images.shape} -> logits ${logits.shape}`);

const features = model.features(images, ['stem', 'stages.0', 'stages.2.blocks.0']);
for (const [path, feature] of features) console.log(`  ${path}: ${feature.shape}`);

// Surgery gives a new model; the parameters that fit are copied.
const fewer = withNumClasses(model, 3);
const larger = withImageSize(fewer, 64);
console.log(`new head: ${fewer.numClasses} classes; other resolution: ${larger.imageSize} pixels`);

tf.dispose([images, logits, ...features.values()]);
for (const each of [model, fewer, larger]) each.dispose();
