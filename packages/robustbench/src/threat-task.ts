import type { Finding, StageDiagnostics } from '@revat/attacks';
import type { NormName } from '@revat/core';
import type * as tf from '@tensorflow/tfjs-core';

import type { PassCounts } from './clean-task.js';
import type { EvaluatedModel } from './evaluated-model.js';
import type { Chunk } from './evaluation-data.js';
import type { EvaluationRecipe } from './evaluation-recipe.js';
import type { ChunkOutcome, EvaluationTask } from './evaluation-run.js';
import type { SampleRecord } from './journal.js';
import type { AttackHooks } from './model-evaluation.js';
import { perturbationNorm } from './perturbation-norm.js';
import { predict, type Prediction } from './prediction.js';
import { protocolAttack } from './protocol-attack.js';
import type { AttackReport } from './results.js';
import type { ThreatModel } from './threat-model.js';

/** The verdict on one sample under one threat model. */
export interface ThreatRecord extends SampleRecord {
  readonly label: number;
  /** Classified correctly, and no attack of the protocol broke it. */
  readonly robust: boolean;
  /** What the model says about the image that the protocol returned: the clean one where no attack succeeded. */
  readonly prediction: number;
  readonly confidence: number;
  /** Norm of the perturbation, in the threat model's norm; 0 where no attack succeeded. */
  readonly distance: number;
}

export interface ThreatSummary extends PassCounts {
  /** What each attack of the protocol left robust in this chunk, and what it cost. */
  readonly attacks: readonly AttackReport[];
  readonly findings: readonly Finding[];
}

/** A perturbation may be longer than the radius by this share: float32 rounding over many pixels. */
const RADIUS_TOLERANCE = 1e-3;

/** The attack of a threat model on every image that the model classifies correctly. */
export function threatTask(
  model: EvaluatedModel,
  threat: ThreatModel,
  recipe: EvaluationRecipe,
  isCorrect: ReadonlyMap<number, boolean>,
  hooks: AttackHooks,
): EvaluationTask<ThreatRecord, ThreatSummary> {
  const attack = protocolAttack(threat);
  const { norm, eps, protocol } = threat;
  return {
    folder: `${model.id}/${threat.id}`,
    recipe: {
      task: 'threat',
      ...recipe,
      threat: { norm, eps, protocol },
      attack: { name: attack.name, options: attack.options },
    },
    evaluate: async (chunk) => {
      const { images, labels, sampleIds } = chunk;
      const result = await attack.run(model.classify, images, labels, {
        seed: recipe.seed,
        sampleIds,
        ...hooks,
      });
      try {
        const predictions = await predict(model.classify, result.adversarial);
        const verdict = await judge(chunk, result.adversarial, result.success, predictions, norm, isCorrect);
        const { diagnostics } = result;
        const robust = verdict.samples.filter((sample) => sample.robust).length;
        return {
          ...verdict,
          summary: {
            forward: diagnostics.forwardImages + sampleIds.length,
            backward: diagnostics.backwardImages,
            attacks: attackReports(diagnostics.stages, diagnostics, robust),
            findings: [...diagnostics.findings, ...checkRadius(verdict.samples, threat)],
          },
        };
      } finally {
        result.adversarial.dispose();
      }
    },
  };
}

/** Verdicts on a chunk, and its broken images to keep: pixels, labels and ids of the samples that an attack broke. */
async function judge(
  { pixels, labels, sampleIds, images }: Chunk,
  adversarial: tf.Tensor4D,
  success: Uint8Array,
  predictions: readonly Prediction[],
  norm: NormName,
  isCorrect: ReadonlyMap<number, boolean>,
): Promise<Pick<ChunkOutcome<ThreatRecord, ThreatSummary>, 'samples' | 'adversarial'>> {
  const values = await adversarial.data<'float32'>();
  const size = pixels.length / labels.length;
  const image = (from: Float32Array, i: number) => from.subarray(i * size, (i + 1) * size);
  const broken = sampleIds.flatMap((id, i) => (isCorrect.get(id) && success[i] ? [i] : []));
  const samples = sampleIds.map((sample, i) => ({
    sample,
    label: labels[i],
    robust: isCorrect.get(sample) === true && !success[i],
    prediction: predictions[i].class,
    confidence: predictions[i].confidence,
    distance: broken.includes(i) ? perturbationNorm(image(pixels, i), image(values, i), norm) : 0,
  }));
  if (broken.length === 0) return { samples };
  const kept = new Float32Array(broken.length * size);
  broken.forEach((i, row) => kept.set(image(values, i), row * size));
  const [, height, width, channels] = images.shape;
  return {
    samples,
    adversarial: {
      images: kept,
      shape: [broken.length, height, width, channels],
      labels: Int32Array.from(broken, (i) => labels[i]),
      sampleIds: broken.map((i) => sampleIds[i]),
    },
  };
}

/** One line per attack of the protocol; a protocol of one attack has one. */
function attackReports(
  stages: readonly StageDiagnostics[] | undefined,
  total: { readonly attack: string; readonly forwardImages: number; readonly backwardImages: number },
  robust: number,
): AttackReport[] {
  if (!stages)
    return [{ name: total.attack, robust, forward: total.forwardImages, backward: total.backwardImages }];
  return stages.map(({ attack, robustAfter, forwardImages, backwardImages }) => ({
    name: attack,
    robust: robustAfter,
    forward: forwardImages,
    backward: backwardImages,
  }));
}

function checkRadius(samples: readonly ThreatRecord[], { eps, norm }: ThreatModel): Finding[] {
  const outside = samples.filter(({ distance }) => distance > eps * (1 + RADIUS_TOLERANCE));
  if (outside.length === 0) return [];
  const largest = Math.max(...outside.map(({ distance }) => distance));
  return [
    {
      code: 'verdict-not-reproduced',
      severity: 'error',
      message: `${outside.length} adversarial images lie outside the ${norm} ball of ${eps}, the farthest at ${largest}.`,
      consequence: 'They count as broken although the attacker was not allowed to make them.',
      fix: 'Report this to the authors of revat with the journal: no attack may leave the ball.',
    },
  ];
}
