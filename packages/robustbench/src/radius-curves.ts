import { NORM_NAMES, RevatError, type NormName } from '@revat/core';

import type { EvaluateEvent, EvaluationOptions } from './evaluation-options.js';
import { forEachModel, type ModelEvaluation } from './model-evaluation.js';
import { radiusTask, type RadiusQuestion } from './radius-task.js';
import type { RadiusCurve } from './results.js';
import { PROTOCOLS, type Protocol } from './threat-model.js';

export interface RadiusCurvesOptions extends EvaluationOptions {
  /** Growing radii in input units, by norm; a norm that is absent is left out. */
  radii: Readonly<Partial<Record<NormName, readonly number[]>>>;
  /** Default "apgd-ce". */
  protocol?: Protocol;
}

/**
 * Robust accuracy against radius, by a cheap attack at growing radii; what a smaller radius broke stays broken. Journaled
 * as `evaluate` does, in `out/MODEL/NORM-radius-curve-PROTOCOL`.
 *
 * @returns one curve per model and norm, beginning with the clean accuracy at radius 0
 * @throws RevatError as `evaluate`
 */
export async function radiusCurves(options: RadiusCurvesOptions): Promise<RadiusCurve[]> {
  const { radii, protocol = 'apgd-ce' } = options;
  if (!PROTOCOLS.includes(protocol))
    throw new RevatError(
      'unknown-name',
      `radiusCurves: unknown protocol "${protocol}". Use one of ${PROTOCOLS.join(', ')}.`,
    );
  const curves: RadiusCurve[] = [];
  // Clean predictions were reported by `evaluate` where its folder is given; here they are only the beginning of a curve.
  const onEvent =
    options.onEvent && ((event: EvaluateEvent) => event.part.kind !== 'clean' && options.onEvent?.(event));
  await forEachModel({ ...options, onEvent }, async (evaluation) => {
    for (const norm of NORM_NAMES)
      if (radii[norm]) curves.push(await radiusCurve(evaluation, { norm, radii: radii[norm], protocol }));
  });
  return curves;
}

async function radiusCurve(evaluation: ModelEvaluation, question: RadiusQuestion): Promise<RadiusCurve> {
  const { model, recipe, isCorrect } = evaluation;
  const { norm, radii, protocol } = question;
  const { chunks } = await evaluation.run(
    { kind: 'radius-curve', norm },
    (hooks) => radiusTask(model, question, recipe, isCorrect, hooks),
    ({ survived }) => survived === radii.length,
  );
  const survived = chunks.flatMap(({ samples }) => samples.map((sample) => sample.survived));
  return {
    model: model.id,
    norm,
    protocol,
    total: survived.length,
    points: [0, ...radii].map((eps, rank) => ({
      eps,
      robust: survived.filter((count) => count >= rank).length,
    })),
  };
}
