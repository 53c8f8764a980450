/** How much of a training run is spent waiting for data. */
import { join } from 'node:path';

import { useBackend } from '@revat/backend';
import { createLoader } from '@revat/data';
import { openRecipeData, parseRecipe, quickstartRecipe, train } from '@revat/train';

import { makeImageFolder } from './photographs.mjs';

const IMAGENET_CLASSES = 10;
const EPOCHS = 3;
const IMAGENET_EPOCHS = 2;

/**
 * Trains on this machine's engine: digits with the clean and the adversarial stage of the quickstart, and ImageNet-sized
 * photographs with a ConvNeXt of 5 M parameters without an attack, where a step is shortest. For each stage the share of the
 * time that the trainer waited for data, and the time that a step takes, beside that of the loader alone for a batch. The first
 * epoch of a stage compiles and does not count.
 */
export async function measureWait(root, photographs) {
  const folder = makeImageFolder(root, 'wait', photographs, { count: 240, classes: IMAGENET_CLASSES });
  const rows = [];
  // The quickstart computes on one thread, as `revat quickstart` does: its operators are too short to share.
  for (const [recipe, threads] of [[shortQuickstart(), 1], [imagenetRecipe(folder)]])
    for (const workers of [0, 1]) {
      const device = await useBackend('onnx', { threads });
      const found = await waitOfRun(recipe, join(root, `${recipe.name}-${workers}`), workers);
      rows.push(...found.map((row) => ({ ...row, threads: device.threads })));
    }
  return { device: 'onnx', rows };
}

function shortQuickstart() {
  const recipe = quickstartRecipe();
  const stages = recipe.stages.slice(0, 2).map((stage) => ({ ...stage, epochs: EPOCHS }));
  return { ...recipe, stages };
}

function imagenetRecipe(folder) {
  return {
    name: 'imagenet-folder',
    data: { name: 'image-folder', imageSize: 224, train: folder, validation: folder },
    model: {
      name: 'convnext_tiny',
      stem: 'conv',
      depths: [2, 2, 6, 2],
      dims: [48, 96, 192, 384],
      numClasses: IMAGENET_CLASSES,
    },
    validation: { images: 16 },
    stages: [
      { name: 'clean', epochs: IMAGENET_EPOCHS, batchSize: 16, learningRate: 1e-4, augmentation: 'heavy' },
    ],
  };
}

async function waitOfRun(recipe, out, workers) {
  const { history } = await train(recipe, { out, workers });
  const rows = [];
  for (const stage of parseRecipe(recipe).stages) {
    const records = history.filter((record) => record.stage === stage.name && record.epoch > 1);
    const seconds = records.map(({ imagesPerSecond }) => 1 / imagesPerSecond);
    const total = sum(seconds);
    const waited = sum(records.map(({ dataWait }, i) => dataWait * seconds[i]));
    rows.push({
      recipe: recipe.name,
      stage: stage.name,
      workers,
      wait: waited / total,
      stepMs: (total / records.length) * stage.batchSize * 1000,
      loaderMs: await loaderAlone(recipe, stage, workers),
    });
  }
  return rows;
}

/** Milliseconds that the loader takes for a batch when nothing else computes. */
async function loaderAlone(recipe, stage, workers) {
  const checked = parseRecipe(recipe);
  const loader = createLoader(openRecipeData(checked).train, {
    batchSize: stage.batchSize,
    imageSize: checked.data.imageSize,
    augmentation: stage.augmentation,
    shuffle: true,
    workers,
  });
  let [batches, start] = [0, 0];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    if (epoch === 1) start = performance.now();
    for await (const { labels } of loader.epoch(epoch)) if (epoch > 0 && labels.length > 0) batches++;
  }
  const ms = (performance.now() - start) / batches;
  await loader.close();
  return ms;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
