import { NORM_NAMES } from '@revat/core';
import { z } from 'zod';

import { PROTOCOLS } from './threat-model.js';

/**
 * The schema of `results.json`, version 1: everything one run found out, in counts, with what it takes to repeat it.
 * Shares lie in [0, 1], radii are in input units, times in seconds. Fields that a run has nothing for are null or empty.
 */
export const RESULTS_VERSION = 1;

/** An object of these fields; those it does not know are left out, so that later minor additions stay readable. */
const object = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).readonly();
const list = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).readonly();
const record = <Value extends z.ZodType>(value: Value) => z.record(z.string(), value).readonly();

const text = z.string();
const count = z.int().min(0);
const positiveInteger = z.int().min(1);
const amount = z.number().min(0);
const share = z.number().min(0).max(1);
const norm = z.enum(NORM_NAMES);
const protocol = z.enum(PROTOCOLS);

const accuracy = object({
  correct: count,
  total: positiveInteger,
  accuracy: share,
  /** Wilson score interval at 95 %. */
  interval: z.tuple([share, share]).readonly(),
});

/** What was run, and how to run it again. */
const recipe = object({
  /** E.g. "quickstart". */
  name: text,
  /** The command line that repeats the run, null if it was started from a script. */
  command: text.nullable(),
  seed: z.int().min(0),
  /** Versions of revat's packages, Node and the engine: name -> version. */
  versions: record(text),
  /** Every setting of the run, as JSON. */
  settings: record(z.unknown()),
});

/** The machine and the engine that computed. */
const device = object({
  backend: text,
  provider: text.nullable(),
  threads: positiveInteger.nullable(),
  processor: text,
  cores: positiveInteger,
  memoryBytes: count,
  platform: text,
});

const dataSet = object({
  name: text,
  classNames: list(text),
  /** Height and width of the images that the models saw. */
  imageSize: positiveInteger,
  trainImages: count.nullable(),
  testImages: count,
});

const threatModel = object({
  id: text,
  norm,
  eps: amount,
  protocol,
  label: text,
  seen: z.boolean(),
});

/** One thing the model doctor or an attack noticed about the model. */
const finding = object({
  /** Stable name, e.g. "zero-gradients". */
  code: text,
  /** error: the result is meaningless; warning: robustness may be overestimated; info: something to know. */
  severity: z.enum(['error', 'warning', 'info']),
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
  forward: count.nullable(),
  backward: count.nullable(),
});

const threatResult = object({
  /** The `id` of one of `threatModels`. */
  threatModel: text,
  robust: accuracy,
  attacks: list(attack),
  /** Images passed through the network in all. */
  forward: count,
  backward: count,
  seconds: amount,
  findings: list(finding),
});

const model = object({
  /** Stable name for folders and files. */
  id: text,
  /** For people, e.g. "ConvNeXt + ConvStem, fine-tuned to 0.15". */
  label: text,
  architecture: text.nullable(),
  parameters: count.nullable(),
  /** sha256 of the weights, null if the classifier has none to read. */
  weights: text.nullable(),
  clean: accuracy,
  threats: list(threatResult),
  findings: list(finding),
});

const epoch = object({
  /** Counted from 1 within the stage. */
  epoch: positiveInteger,
  loss: z.number(),
  cleanAccuracy: share.nullable(),
  adversarialAccuracy: share.nullable(),
  learningRate: amount.nullable(),
  seconds: amount,
});

const stage = object({
  /** E.g. "adversarial". */
  name: text,
  /** For people, e.g. "Adversarial training, Linf 0.075". */
  label: text,
  /** The `id` of the model that this stage ends with, null if it is not evaluated. */
  model: text.nullable(),
  epochs: list(epoch),
});

/** The training of one network, from initialisation through all its stages. */
const training = object({ label: text, stages: list(stage) });

const radiusCurve = object({
  /** The `id` of one of `models`. */
  model: text,
  norm,
  protocol,
  total: positiveInteger,
  /** Images still robust at each radius, in order of growing radius; radius 0 is the clean accuracy. */
  points: list(object({ eps: amount, robust: count })),
});

const prediction = object({ class: count, confidence: share });

/** Three pictures of one broken image, paths relative to `results.json`. */
const picture = object({
  model: text,
  threatModel: text,
  sampleId: z.int().min(0),
  label: count,
  clean: prediction,
  adversarial: prediction,
  /** Norm of the perturbation, in the threat model's norm. */
  distance: amount,
  /** Factor by which the difference is magnified in its picture. */
  magnification: amount,
  width: positiveInteger,
  height: positiveInteger,
  files: object({ clean: text, adversarial: text, difference: text }),
});

export const resultsSchema = object({
  schema: z.literal('revat.results'),
  version: z.literal(RESULTS_VERSION),
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
  timings: list(object({ name: text, seconds: amount })),
  /** Files the run wrote, paths relative to `results.json`. */
  files: list(object({ path: text, description: text })),
});

export type Results = z.output<typeof resultsSchema>;
export type RunRecipe = z.output<typeof recipe>;
export type DeviceReport = z.output<typeof device>;
export type DataReport = z.output<typeof dataSet>;
export type Finding = z.output<typeof finding>;
export type AttackReport = z.output<typeof attack>;
export type ThreatResult = z.output<typeof threatResult>;
export type ModelResult = z.output<typeof model>;
export type TrainingReport = z.output<typeof training>;
export type TrainingStage = z.output<typeof stage>;
export type TrainingEpoch = z.output<typeof epoch>;
export type RadiusCurve = z.output<typeof radiusCurve>;
export type Picture = z.output<typeof picture>;
