import { NORM_NAMES } from '@revat/core';

import {
  flag,
  integer,
  json,
  list,
  nullable,
  number,
  object,
  oneOf,
  record,
  text,
  type Check,
  type Checked,
} from './schema.js';
import { PROTOCOLS } from './threat-model.js';

/**
 * The schema of `results.json`, version 1: everything one run found out, in counts, with what it takes to repeat it.
 * Shares lie in [0, 1], radii are in input units, times in seconds. Fields that a run has nothing for are null or empty.
 */
export const RESULTS_VERSION = 1;

const share = number(0, 1);
const count = integer(0);
const norm = oneOf(...NORM_NAMES);

const accuracy = object({
  correct: count,
  total: integer(1),
  accuracy: share,
  /** Wilson score interval at 95 %. */
  interval: ((value, where) => {
    const bounds = list(share)(value, where);
    return [bounds[0], bounds[1]] as const;
  }) satisfies Check<readonly [number, number]>,
});

/** What was run, and how to run it again. */
const recipe = object({
  /** E.g. "quickstart". */
  name: text,
  /** The command line that repeats the run, null if it was started from a script. */
  command: nullable(text),
  seed: integer(0),
  /** Versions of revat's packages, Node and the engine: name -> version. */
  versions: record(text),
  /** Every setting of the run, as JSON. */
  settings: record(json),
});

/** The machine and the engine that computed. */
const device = object({
  backend: text,
  provider: nullable(text),
  threads: nullable(integer(1)),
  processor: text,
  cores: integer(1),
  memoryBytes: count,
  platform: text,
});

const dataSet = object({
  name: text,
  classNames: list(text),
  /** Height and width of the images that the models saw. */
  imageSize: integer(1),
  trainImages: nullable(count),
  testImages: count,
});

const threatModel = object({
  id: text,
  norm,
  eps: number(0),
  protocol: oneOf(...PROTOCOLS),
  label: text,
  seen: flag,
});

/** One thing the model doctor or an attack noticed about the model. */
const finding = object({
  /** Stable name, e.g. "zero-gradients". */
  code: text,
  /** error: the result is meaningless; warning: robustness may be overestimated; info: something to know. */
  severity: oneOf('error', 'warning', 'info'),
  /** What was observed, with numbers. */
  message: text,
  consequence: text,
  fix: text,
});

/** How one attack of a protocol did, in the order of the protocol. */
const attack = object({
  name: text,
  /** Images still robust after this attack. */
  robust: count,
  /** Images passed through the network, forwards and backwards; null where the attack reports totals only. */
  forward: nullable(count),
  backward: nullable(count),
});

const threatResult = object({
  /** The `id` of one of `threatModels`. */
  threatModel: text,
  robust: accuracy,
  attacks: list(attack),
  /** Images passed through the network in all. */
  forward: count,
  backward: count,
  seconds: number(0),
  findings: list(finding),
});

const model = object({
  /** Stable name for folders and files. */
  id: text,
  /** For people, e.g. "ConvNeXt + ConvStem, fine-tuned to 0.15". */
  label: text,
  architecture: nullable(text),
  parameters: nullable(count),
  /** sha256 of the weights, null if the classifier has none to read. */
  weights: nullable(text),
  clean: accuracy,
  threats: list(threatResult),
  findings: list(finding),
});

const epoch = object({
  /** Counted from 1 within the stage. */
  epoch: integer(1),
  loss: number(),
  cleanAccuracy: nullable(share),
  adversarialAccuracy: nullable(share),
  learningRate: nullable(number(0)),
  seconds: number(0),
});

const stage = object({
  /** E.g. "adversarial". */
  name: text,
  /** For people, e.g. "Adversarial training, Linf 0.075". */
  label: text,
  /** The `id` of the model that this stage ends with, null if it is not evaluated. */
  model: nullable(text),
  epochs: list(epoch),
});

/** The training of one network, from initialisation through all its stages. */
const training = object({ label: text, stages: list(stage) });

const radiusCurve = object({
  /** The `id` of one of `models`. */
  model: text,
  norm,
  protocol: oneOf(...PROTOCOLS),
  total: integer(1),
  /** Images still robust at each radius, in order of growing radius; radius 0 is the clean accuracy. */
  points: list(object({ eps: number(0), robust: count })),
});

const prediction = object({ class: count, confidence: share });

/** Three pictures of one broken image, paths relative to `results.json`. */
const picture = object({
  model: text,
  threatModel: text,
  sampleId: integer(0),
  label: count,
  clean: prediction,
  adversarial: prediction,
  /** Norm of the perturbation, in the threat model's norm. */
  distance: number(0),
  /** Factor by which the difference is magnified in its picture. */
  magnification: number(0),
  width: integer(1),
  height: integer(1),
  files: object({ clean: text, adversarial: text, difference: text }),
});

export const resultsSchema = object({
  schema: oneOf('revat.results'),
  version: oneOf(RESULTS_VERSION),
  /** ISO 8601, UTC. */
  created: text,
  recipe,
  device,
  data: dataSet,
  threatModels: list(threatModel),
  models: list(model),
  training: list(training),
  radiusCurves: list(radiusCurve),
  pictures: list(picture),
  /** Wall time by part of the run, in order. */
  timings: list(object({ name: text, seconds: number(0) })),
  /** Files the run wrote, paths relative to `results.json`. */
  files: list(object({ path: text, description: text })),
});

export type Results = Checked<typeof resultsSchema>;
export type RunRecipe = Checked<typeof recipe>;
export type DeviceReport = Checked<typeof device>;
export type DataReport = Checked<typeof dataSet>;
export type Finding = Checked<typeof finding>;
export type AttackReport = Checked<typeof attack>;
export type ThreatResult = Checked<typeof threatResult>;
export type ModelResult = Checked<typeof model>;
export type TrainingReport = Checked<typeof training>;
export type TrainingStage = Checked<typeof stage>;
export type TrainingEpoch = Checked<typeof epoch>;
export type RadiusCurve = Checked<typeof radiusCurve>;
export type Picture = Checked<typeof picture>;
