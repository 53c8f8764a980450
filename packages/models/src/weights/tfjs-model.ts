/**
 * Loads models saved by TensorFlow.js or its converter (model.json and weight files) from disk or the network, also in
 * Node without tfjs-node. The attacks take what is returned as it is.
 */
import { isRevatError, RevatError } from '@revat/core';
import { io } from '@tensorflow/tfjs-core';
import { listFolder, openFile } from '#files';
import { importConverter, importLayers } from '#tfjs-packages';
import { readBytes } from './byte-source.js';

/** A tf.LayersModel, as far as it is used here. */
export interface TfjsLayersModel {
  readonly layers: readonly unknown[];
  apply(inputs: unknown, options?: { training?: boolean }): unknown;
  predict(inputs: unknown): unknown;
  dispose(): unknown;
}

/** A tf.GraphModel, as far as it is used here. */
export interface TfjsGraphModel {
  readonly modelVersion: string;
  predict(inputs: unknown): unknown;
  dispose(): unknown;
}

interface ModelJson {
  readonly format?: unknown;
  readonly modelTopology?: unknown;
  readonly weightsManifest?: unknown;
  readonly [field: string]: unknown;
}

/** Longer descriptions are no model.json; weights lie in files of their own. */
const MAX_JSON_BYTES = 256 * 2 ** 20;

/**
 * Loads a tf.LayersModel or tf.GraphModel; the caller disposes it. Needs @tensorflow/tfjs-layers or
 * @tensorflow/tfjs-converter, whichever wrote the format.
 *
 * @param source path of model.json or of its folder, or its URL
 * @throws RevatError 'not-found' | 'invalid-file' | 'io'; 'unavailable' where the package is not installed, and in browsers, where
 *   tf.loadLayersModel and tf.loadGraphModel do the same
 */
export async function loadTfjsModel(source: string | URL): Promise<TfjsLayersModel | TfjsGraphModel> {
  const where = String(source);
  const handler = /^https?:/.test(where) ? io.browserHTTPRequest(where) : await tfjsFiles(where);
  const artifacts = await artifactsOf(handler, where);
  const loaded = io.fromMemory(artifacts);
  const model = isGraph(artifacts)
    ? await (await importConverter()).loadGraphModel(loaded)
    : await (await importLayers()).loadLayersModel(loaded);
  return model as TfjsLayersModel | TfjsGraphModel;
}

/** A tfjs IO handler that reads model.json and the weight files beside it, for tf.loadLayersModel and tf.loadGraphModel. */
export async function tfjsFiles(source: string): Promise<io.IOHandler> {
  const folder = await listFolder(source);
  const file = folder === undefined ? source : `${source}/model.json`;
  return { load: () => readArtifacts(file) };
}

async function readArtifacts(file: string): Promise<io.ModelArtifacts> {
  const json = await readJson(file);
  const groups = json.weightsManifest;
  if (json.modelTopology === undefined || !Array.isArray(groups)) {
    throw new RevatError(
      'invalid-file',
      `${file} is no tfjs model: it lacks modelTopology or weightsManifest.`,
    );
  }
  const parent = file.slice(0, Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  const paths = (groups as Array<{ paths?: unknown }>).flatMap(({ paths: names }) =>
    weightPaths(names, file),
  );
  const parts = await Promise.all(paths.map((path) => readWhole(`${parent}${path}`)));
  const weightSpecs = (groups as Array<{ weights?: unknown }>).flatMap(({ weights }) => weights ?? []);
  const artifacts = { ...json, weightSpecs, weightData: parts.map(({ buffer }) => buffer) };
  return artifacts as unknown as io.ModelArtifacts;
}

async function readJson(file: string): Promise<ModelJson> {
  const text = new TextDecoder().decode(await readWhole(file, MAX_JSON_BYTES));
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as ModelJson;
  } catch (cause) {
    throw new RevatError('invalid-file', `${file} is not JSON. Give the model.json of a tfjs model.`, {
      cause,
    });
  }
  throw new RevatError('invalid-file', `${file} is no tfjs model. Give its model.json.`);
}

/** Weight files lie beside model.json; a path that leaves the folder is refused. */
function weightPaths(names: unknown, file: string): string[] {
  const valid = Array.isArray(names) && names.every((name) => typeof name === 'string' && isInside(name));
  if (!valid) throw new RevatError('invalid-file', `${file} names weight files outside its folder, or none.`);
  return names as string[];
}

function isInside(name: string): boolean {
  return !/^(?:[/\\]|[a-z]+:)/i.test(name) && !name.split(/[/\\]/).includes('..');
}

async function readWhole(file: string, limit = Infinity): Promise<Uint8Array> {
  const source = await openFile(file);
  try {
    if (source.size > limit) throw new RevatError('invalid-file', `${file} is too large for a model.json.`);
    return await readBytes(source, 0, source.size);
  } finally {
    await source.close();
  }
}

async function artifactsOf(handler: io.IOHandler, where: string): Promise<io.ModelArtifacts> {
  try {
    if (handler.load === undefined) throw new RevatError('io', `${where}: cannot be read.`);
    return await handler.load();
  } catch (cause) {
    if (isRevatError(cause)) throw cause;
    throw new RevatError('io', `${where}: the model could not be fetched: ${String(cause)}`, { cause });
  }
}

function isGraph({ format, modelTopology }: io.ModelArtifacts): boolean {
  if (format !== undefined && format !== null) return format === 'graph-model';
  return typeof modelTopology === 'object' && modelTopology !== null && 'node' in modelTopology;
}
