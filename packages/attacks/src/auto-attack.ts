import { RevatError, type NormName } from '@revat/core';
import type * as tf from '@tensorflow/tfjs-core';

import type { Attack, AttackResult, AttackRunOptions, Labels, StageDiagnostics } from './attack.js';
import {
  protocolStages,
  VERSIONS,
  type CustomStage,
  type Stage,
  type Version,
} from './auto-attack-protocol.js';
import { inspectModel } from './check-model.js';
import { attackRobust, finishRun, startRun, type AttackRun } from './define-attack.js';
import { reportOnce, type Finding } from './finding.js';
import type { Model } from './model-adapter.js';
import {
  choiceOption,
  normOption,
  radiusOption,
  resolveOptions,
  type GivenOptions,
  type OptionField,
  type ResolvedOptions,
} from './option-schema.js';
import type { SampleOutcome } from './sample-program.js';
import { isCorrect, type Sample } from './sample.js';

/**
 * AutoAttack (Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
 * attacks", ICML 2020): one attack after another on what is still robust. Verdicts are those of the reference's protocol;
 * passes are saved only where they cannot change one: a broken image leaves at once, clean logits are reused for the
 * choice of targets, and no gradient is computed after a last step.
 */
const schema = {
  norm: normOption(),
  eps: radiusOption(),
  version: choiceOption<Version>(
    'standard, plus, rand (for randomised models) or custom',
    VERSIONS,
    'standard',
  ),
  attacks: stageListOption(),
};

export type AutoAttackOptions = ResolvedOptions<typeof schema>;

const definition = {
  name: 'auto-attack',
  summary: 'AutoAttack: APGD-CE, targeted APGD-DLR, targeted FAB and Square, one after another',
  access: 'white-box' as const,
  source: 'Croce and Hein, ICML 2020, arXiv:2003.01690',
  norms: ['Linf', 'L2', 'L1'] as readonly NormName[],
  schema,
};

/** `autoAttack({ norm: 'Linf', eps: '4/255' })`; `version: 'custom', attacks: ['apgd-ce', { name: 'square', options: {...} }]` */
export const autoAttack = Object.assign(
  (given: GivenOptions<typeof schema>): Attack<AutoAttackOptions> => {
    const options = resolveOptions(definition.name, schema, given);
    checkCustom(options);
    const stages = protocolStages(options.version, { norm: options.norm, eps: options.eps }, options.attacks);
    const attack: Attack<AutoAttackOptions> = {
      name: definition.name,
      norm: options.norm,
      options,
      run: (model, images, labels, runOptions) =>
        runAutoAttack(options, stages, model, images, labels, runOptions),
    };
    return Object.freeze(attack);
  },
  { definition },
);

/** The attacks of a custom version: names, or names with options. */
function stageListOption(): OptionField<readonly CustomStage[], true> & { readonly kind: 'list' } {
  const parse = (value: unknown, where: string): readonly CustomStage[] => {
    if (!Array.isArray(value)) {
      throw new RevatError(
        'invalid-argument',
        `${where} must be a list such as ["apgd-ce", { "name": "square" }].`,
      );
    }
    return Object.freeze(value.map((entry: unknown) => Object.freeze(asStage(entry, where))));
  };
  return {
    kind: 'list',
    description: 'version custom: names of attacks, or { name, options }, in order',
    optional: true,
    default: Object.freeze([]),
    parse,
  };
}

function asStage(entry: unknown, where: string): CustomStage {
  if (typeof entry === 'string') return { name: entry };
  if (typeof entry === 'object' && entry !== null && 'name' in entry && typeof entry.name === 'string') {
    const { name, options } = entry as CustomStage;
    return options ? { name, options: Object.freeze({ ...options }) } : { name };
  }
  throw new RevatError('invalid-argument', `${where}: every entry must be a name or { name, options }.`);
}

function checkCustom({ version, attacks }: AutoAttackOptions): void {
  if ((version === 'custom') === attacks.length > 0) return;
  throw new RevatError(
    'invalid-argument',
    version === 'custom'
      ? 'auto-attack: version custom needs attacks, e.g. ["apgd-ce", "square"].'
      : `auto-attack: attacks go with version custom, not with ${version}.`,
  );
}

async function runAutoAttack(
  { norm, eps, version }: AutoAttackOptions,
  stages: readonly Stage[],
  model: Model,
  images: tf.Tensor4D,
  labels: Labels,
  runOptions: AttackRunOptions = {},
): Promise<AttackResult> {
  const run = await startRun(definition.name, model, images, labels, runOptions);
  await inspectModel(run, { expectRandom: version === 'rand', signal: runOptions.signal });
  const outcomes = new Map<Sample, SampleOutcome>(
    run.samples.map((sample) => [
      sample,
      { success: !isCorrect(sample, sample.cleanLogits), image: sample.image, logits: sample.cleanLogits },
    ]),
  );
  const brokenBy = new Map<Sample, string>();
  const diagnostics: StageDiagnostics[] = [];
  let robust = run.samples.filter((sample) => !outcomes.get(sample)!.success);
  for (const sample of run.samples) if (outcomes.get(sample)!.success) brokenBy.set(sample, 'clean');

  for (const { name, attack } of stages) {
    const before = counters(run);
    const robustBefore = robust.length;
    if (robustBefore > 0) {
      const attacked = await attackRobust(run, { name, program: attack.program }, robust, runOptions);
      attacked.forEach((outcome, i) => {
        if (!outcome.success) return;
        outcomes.set(robust[i], outcome);
        brokenBy.set(robust[i], name);
      });
      robust = robust.filter((sample) => !brokenBy.has(sample));
    }
    const after = counters(run);
    diagnostics.push({
      attack: name,
      robustBefore,
      robustAfter: robust.length,
      forwardImages: after.forwardImages - before.forwardImages,
      backwardImages: after.backwardImages - before.backwardImages,
      seconds: after.seconds - before.seconds,
    });
  }
  reportSquare(diagnostics, run.samples.length, run.findings);
  return finishRun(
    run,
    run.samples.map((sample) => outcomes.get(sample)!),
    {
      attack: definition.name,
      norm,
      eps,
      stages: diagnostics,
      brokenBy: run.samples.map((sample) => brokenBy.get(sample) ?? null),
    },
  );
}

function counters({ evaluator: { forwardImages, backwardImages } }: AttackRun) {
  return { forwardImages, backwardImages, seconds: performance.now() / 1000 };
}

/** Square, which sees no gradients, should find nothing that the attacks before it did not. */
function reportSquare(stages: readonly StageDiagnostics[], images: number, findings: Finding[]): void {
  const square = stages.findIndex(({ attack }) => attack === 'square');
  if (square < 1) return;
  const { robustBefore, robustAfter } = stages[square];
  const found = robustBefore - robustAfter;
  if (found === 0) return;
  reportOnce(findings, {
    code: 'square-beats-white-box',
    severity: found > 0.01 * images ? 'warning' : 'info',
    message: `Square, without gradients, broke ${found} of ${robustBefore} images that the attacks with gradients left robust.`,
    consequence:
      'The gradients may be masked: the true robust accuracy is probably lower than the one measured.',
    fix: 'Look for non-differentiable or saturating parts of the model; attack a differentiable approximation of it, or give more queries.',
  });
}
