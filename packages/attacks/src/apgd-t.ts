import type { LossName } from '@revat/core';

import { apgdProgram, apgdSchema } from './apgd.js';
import { lossForClasses, type Objective } from './ascent.js';
import { defineAttack, type RunContext } from './define-attack.js';
import { choiceOption, integerOption } from './option-schema.js';
import type { SampleProgram } from './sample-program.js';
import { oneHot, targetClasses, type Sample } from './sample.js';
import { nearestClasses } from './target-order.js';

/**
 * Targeted APGD: one run per target class, the most likely classes of the clean image first; any misclassification counts
 * (Croce and Hein, ICML 2020). The paper of this repository evaluates with steps 40 and targets 3, "APGDT-DLR".
 */
const schema = {
  ...apgdSchema,
  targets: integerOption('target classes tried, at most one less than there are classes', 9),
  targetOrder: choiceOption(
    'logits: most likely classes first; linearity: classes nearest by a linear model of the network first (MALT)',
    ['logits', 'linearity'],
    'logits',
  ),
  loss: choiceOption<LossName>(
    'loss to maximise',
    ['dlr-targeted', 'ce-targeted', 'margin-targeted'],
    'dlr-targeted',
  ),
};

/** `apgdTargeted({ norm: 'Linf', eps: '4/255', targets: 9 })` */
export const apgdTargeted = defineAttack({
  name: 'apgd-t',
  summary: 'Targeted Auto-PGD with the targeted DLR loss',
  access: 'white-box',
  source: 'Croce and Hein, ICML 2020, arXiv:2003.01690',
  norms: ['Linf', 'L2', 'L1'],
  schema,
  program: (options, context) => {
    const loss = lossForClasses(options.loss, context);
    const count = availableTargets(options.targets, context);
    const linearity = options.targetOrder === 'linearity';
    return function* (sample): SampleProgram {
      const targets = linearity
        ? yield* nearestClasses(sample, count, options.norm)
        : targetClasses(sample, count);
      const objectives = targets.map((target) => towards(target, loss, sample));
      return yield* apgdProgram(sample, objectives, options, context);
    };
  },
});

export function towards(target: number, loss: LossName, sample: Sample): Objective {
  return { loss, label: sample.oneHot, target, targetRow: oneHot(target, sample.oneHot.length) };
}

/** The number of targets asked for, or all other classes if there are fewer, which is reported. */
export function availableTargets(
  wanted: number,
  { name, numClasses, report }: Pick<RunContext, 'name' | 'numClasses' | 'report'>,
): number {
  if (wanted < numClasses) return wanted;
  report({
    code: 'targets-reduced',
    severity: 'info',
    message: `${name}: ${wanted} target classes asked for, the model has only ${numClasses - 1} others; all of them are tried.`,
    consequence: 'None: there is nothing else to aim at.',
    fix: 'Nothing to do.',
  });
  return numClasses - 1;
}
