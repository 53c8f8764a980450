import path from 'node:path';

import { RevatError } from '@revat/core';
import { writeFileAtomically } from '@revat/distributed';

import { readAdversarialExamples } from './adversarial-examples.js';
import type { CleanRecord } from './clean-task.js';
import type { EvaluateOptions } from './evaluate.js';
import { chunkData, type ChunkedData } from './evaluation-data.js';
import { readJournal, type CommitRecord } from './journal.js';
import { DEFAULT_BATCH_SIZE } from './model-evaluation.js';
import { encodePng } from './png.js';
import type { Picture } from './results.js';
import type { ThreatModel } from './threat-model.js';
import type { ThreatRecord } from './threat-task.js';

export interface TakePicturesOptions extends Pick<
  EvaluateOptions,
  'data' | 'samples' | 'batchSize' | 'threatModels'
> {
  /** The output folder of the evaluation. */
  out: string;
  /** Ids of the evaluated models. */
  models: readonly string[];
  /** Folder of `results.json`, which gets a folder `pictures`. */
  folder: string;
  /** Examples for each model and threat model; default 2. */
  examples?: number;
}

type ThreatCommit = CommitRecord & { readonly adversarial: string | null };

/** What a picture is drawn from. */
interface Example {
  readonly clean: Float32Array;
  readonly adversarial: Float32Array;
  readonly shape: readonly [number, number, number, number];
  readonly cleanRecord: CleanRecord;
  readonly threatRecord: ThreatRecord;
}

/**
 * Draws clean image, adversarial image and magnified difference of some images that an evaluation broke, as PNG files. Give
 * the data, samples and batchSize of the evaluation. Prefers classes that are not
 * shown yet.
 *
 * @returns entries for `results.pictures`; their files are under `folder`
 * @throws RevatError 'not-found' if the folder holds no such evaluation, 'mismatch' if the data are not the evaluation's, 'io'
 */
export async function takePictures(options: TakePicturesOptions): Promise<Picture[]> {
  const { threatModels, models, folder, examples = 2 } = options;
  const data = chunkData(options.data, options.batchSize ?? DEFAULT_BATCH_SIZE, options.samples);
  const pictures: Picture[] = [];
  for (const threat of threatModels)
    for (const model of models) {
      const shown = pictures.filter((picture) => picture.model === model).map(({ label }) => label);
      for (const example of await findExamples(options.out, model, threat, data, examples, shown))
        pictures.push(drawPicture(example, model, threat, folder));
    }
  return pictures;
}

/** Broken images of one model and threat model, chunk after chunk until there are enough. */
async function findExamples(
  out: string,
  model: string,
  threat: ThreatModel,
  data: ChunkedData,
  wanted: number,
  shown: readonly number[],
): Promise<Example[]> {
  const folder = path.join(out, model, threat.id);
  const threats = await readJournal<ThreatRecord, ThreatCommit>(path.join(folder, 'journal.jsonl'));
  const clean = await readJournal<CleanRecord, CommitRecord>(path.join(out, model, 'clean', 'journal.jsonl'));
  const cleanRecords = new Map(
    clean.chunks.flatMap(({ samples }) => samples.map((record) => [record.sample, record])),
  );
  const found: Example[] = [];
  for (const { commit, samples } of threats.chunks) {
    if (found.length >= wanted) break;
    if (commit.adversarial === null) continue;
    const chunk = await data.load(commit.commit);
    chunk.images.dispose();
    if (chunk.hash !== commit.input)
      throw new RevatError(
        'mismatch',
        `pictures: ${folder} was written for other images than ${data.name} holds.`,
      );
    const broken = await readAdversarialExamples(path.join(folder, path.basename(commit.adversarial)));
    const classes = [...shown, ...found.map(({ cleanRecord }) => cleanRecord.label)];
    for (const row of newClassesFirst(broken.labels, classes).slice(0, wanted - found.length)) {
      const sample = broken.sampleIds[row];
      const position = chunk.sampleIds.indexOf(sample);
      const cleanRecord = cleanRecords.get(sample);
      if (!cleanRecord) continue;
      found.push({
        clean: imageAt(chunk.pixels, broken.shape, position),
        adversarial: imageAt(broken.images, broken.shape, row),
        shape: broken.shape,
        cleanRecord,
        threatRecord: samples[position],
      });
    }
  }
  return found;
}

/** All rows, those of classes that were shown least first; otherwise in order. */
function newClassesFirst(labels: Int32Array, shown: readonly number[]): number[] {
  const times = new Map<number, number>();
  const show = (label: number) => times.set(label, (times.get(label) ?? 0) + 1).get(label) as number;
  shown.forEach(show);
  const turns = Array.from(labels, show);
  return Array.from(labels.keys()).sort((a, b) => turns[a] - turns[b] || a - b);
}

function imageAt(
  images: Float32Array,
  [, height, width, channels]: Example['shape'],
  row: number,
): Float32Array {
  const size = height * width * channels;
  return images.subarray(row * size, (row + 1) * size);
}

function drawPicture(example: Example, model: string, threat: ThreatModel, folder: string): Picture {
  const { clean, adversarial, shape, cleanRecord, threatRecord } = example;
  const [, height, width, channels] = shape;
  const largest = clean.reduce((most, value, i) => Math.max(most, Math.abs(adversarial[i] - value)), 0);
  const magnification = largest > 0 ? 0.5 / largest : 1;
  const difference = clean.map((value, i) => 0.5 + (adversarial[i] - value) * magnification);
  const name = `pictures/${model}-${threat.id}-${cleanRecord.sample}`;
  const files = {
    clean: `${name}-clean.png`,
    adversarial: `${name}-adversarial.png`,
    difference: `${name}-difference.png`,
  };
  for (const [kind, values] of Object.entries({ clean, adversarial, difference })) {
    const bytes = Uint8Array.from(values, (value) => Math.round(Math.min(1, Math.max(0, value)) * 255));
    const file = path.join(folder, files[kind as keyof typeof files]);
    writeFileAtomically(file, encodePng(bytes, width, height, channels));
  }
  return {
    model,
    threatModel: threat.id,
    sampleId: cleanRecord.sample,
    label: cleanRecord.label,
    clean: { class: cleanRecord.prediction, confidence: cleanRecord.confidence },
    adversarial: { class: threatRecord.prediction, confidence: threatRecord.confidence },
    distance: threatRecord.distance,
    magnification: Number(magnification.toPrecision(6)),
    width,
    height,
    files,
  };
}
