import type { Attack, AttackResult, Diagnostics, Finding } from '@revat/attacks';

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
  /** The attack that broke it, "clean" if the clean image is misclassified, null if it is robust. */
  readonly brokenBy: string | null;
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
        const verdict = await judge(chunk, result, predictions, attack, isCorrect);
        const { diagnostics } = result;
        const robust = verdict.samples.filter((sample) => sample.robust).length;
        return {
          ...verdict,
          summary: {
            forward: diagnostics.forwardImages + sampleIds.length,
            backward: diagnostics.backwardImages,
            attacks: attackReports(diagnostics, robust),
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
  { adversarial, success, diagnostics }: AttackResult,
  predictions: readonly Prediction[],
  { name, norm }: Attack,
  isCorrect: ReadonlyMap<number, boolean>,
): Promise<Pick<ChunkOutcome<ThreatRecord, ThreatSummary>, 'samples' | 'adversarial'>> {
  const values = await adversarial.data<'float32'>();
  const size = pixels.length / labels.length;
  const image = (from: Float32Array, i: number) => from.subarray(i * size, (i + 1) * size);
  const verdict = (i: number): string | null => {
    if (!isCorrect.get(sampleIds[i])) return 'clean';
    return success[i] ? (diagnostics.brokenBy?.[i] ?? name) : null;
  };
  const samples = sampleIds.map((sample, i) => {
    const brokenBy = verdict(i);
    const attacked = brokenBy !== null && brokenBy !== 'clean';
    return {
      sample,
      label: labels[i],
      robust: brokenBy === null,
      brokenBy,
      prediction: predictions[i].class,
      confidence: predictions[i].confidence,
      distance: attacked ? perturbationNorm(image(pixels, i), image(values, i), norm) : 0,
    };
  });
  const broken = samples.flatMap(({ brokenBy }, i) => (brokenBy !== null && brokenBy !== 'clean' ? [i] : []));
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
function attackReports(diagnostics: Diagnostics, robust: number): AttackReport[] {
  const { attack, forwardImages, backwardImages, stages } = diagnostics;
  const parts = stages ?? [{ attack, robustAfter: robust, forwardImages, backwardImages }];
  return parts.map((part) => ({
    name: part.attack,
    robust: part.robustAfter,
    forward: part.forwardImages,
    backward: part.backwardImages,
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
