/** Runs in a browser: loads weights in the ways that a page can, and returns the logits of the same images for each. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import {
  createModel,
  encodeWeights,
  loadModel,
  loadWeights,
  type Model,
  type WeightSource,
} from '@revat/models';

export interface PageResult {
  readonly logits: Record<string, number[]>;
  readonly errors: Record<string, string>;
}

async function fetchBytes(file: string): Promise<ArrayBuffer> {
  return (await fetch(file)).arrayBuffer();
}

async function logitsOf(model: Model): Promise<number[]> {
  const images = tf.tensor4d(
    Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => i / 3072),
    [1, 32, 32, 3],
  );
  const logits = model.classify(images);
  const values = Array.from(await logits.data());
  tf.dispose([images, logits]);
  model.dispose();
  return values;
}

async function loaded(source: WeightSource): Promise<Model> {
  const options = {
    depths: [1, 1, 1, 1],
    dims: [8, 16, 24, 32],
    stem: 'conv',
    numClasses: 10,
    imageSize: 32,
  };
  const model = createModel('convnext', options, { deferred: true });
  await loadWeights(model, source, { hubUrl: globalThis.location.origin });
  return model;
}

async function run(): Promise<PageResult> {
  await tf.setBackend('cpu');
  const sources: Record<string, WeightSource> = {
    'relative path': 'files/h_raw.safetensors',
    URL: new URL('files/a_raw.pt', globalThis.location.href),
    ArrayBuffer: await fetchBytes('files/a5_deflated.pt'),
    Blob: new Blob([await fetchBytes('files/f_legacy.pt')]),
    hub: 'hf:owner/tiny:h_raw.safetensors',
  };
  const logits: Record<string, number[]> = {};
  for (const [name, source] of Object.entries(sources)) logits[name] = await logitsOf(await loaded(source));
  logits['saved and rebuilt'] = await logitsOf(
    await loadModel(await encodeWeights(await loaded(sources.Blob))),
  );
  const errors: Record<string, string> = {};
  for (const file of ['files/crc_mismatch.pt', 'files/absent.pt', 'files/evil_os_system.pt']) {
    await loaded(file).catch((error: Error) => (errors[file] = error.message));
  }
  return { logits, errors };
}

Object.assign(globalThis, { run });
