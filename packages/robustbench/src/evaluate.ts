/**
 * Robustness evaluation: clean predictions of every model, then every threat model, journaled chunk by chunk.
 */
import { RevatError } from '@revat/core';

import { accuracyOf, type Accuracy } from './accuracy.js';
import { parameterCount } from './evaluated-model.js';
import type { EvaluationOptions } from './evaluation-options.js';
import type { FinishedRun } from './evaluation-run.js';
import { forEachModel, type ModelEvaluation } from './model-evaluation.js';
import type { AttackReport, Finding, ModelResult, ThreatResult } from './results.js';
import type { ThreatModel } from './threat-model.js';
import { threatTask, type ThreatSummary } from './threat-task.js';

export interface EvaluateOptions extends EvaluationOptions {
  threatModels: readonly ThreatModel[];
}

export interface EvaluationResult {
  /** As `results.json` holds them. */
  readonly models: readonly ModelResult[];
  readonly threatModels: readonly ThreatModel[];
}

/**
 * Evaluates models under threat models. With `out`, the verdict on every sample is journaled in
 * `out/MODEL/THREAT/journal.jsonl`, broken images beside it, and a killed evaluation continues where it stopped.
 *
 * @returns accuracies with counts, what each attack left, passes and times; nothing to dispose
 * @throws RevatError 'invalid-argument', 'mismatch' (the folder belongs to another recipe), 'invalid-file', 'io',
 *   'bad-model', 'aborted' (finished chunks stay on disk)
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationResult> {
  const { threatModels } = options;
  if (new Set(threatModels.map(({ id }) => id)).size < threatModels.length)
    throw new RevatError('invalid-argument', 'evaluate: two threat models are the same. Give each once.');
  const models: ModelResult[] = [];
  await forEachModel(options, async (evaluation) => {
    const threats: ThreatResult[] = [];
    for (const threat of threatModels) threats.push(await evaluateThreat(evaluation, threat));
    models.push(modelResult(evaluation, threats));
  });
  return { models, threatModels };
}

async function evaluateThreat(evaluation: ModelEvaluation, threatModel: ThreatModel): Promise<ThreatResult> {
  const { model, recipe, clean, isCorrect } = evaluation;
  const run = await evaluation.run(
    { kind: 'threat', threatModel },
    (hooks) => threatTask(model, threatModel, recipe, isCorrect, hooks),
    ({ robust }) => robust,
  );
  const sum = (field: 'forward' | 'backward') =>
    run.chunks.reduce((total, { commit }) => total + commit[field], 0);
  return {
    threatModel: threatModel.id,
    robust: accuracyOfRun(run, ({ robust }) => robust),
    attacks: sumAttacks(run.chunks.map(({ commit }) => commit)),
    forward: sum('forward'),
    backward: sum('backward'),
    seconds: run.seconds,
    findings: distinctFindings(
      run.chunks.flatMap(({ commit }) => commit.findings),
      examination(clean),
    ),
  };
}

function modelResult(
  { model, recipe, clean }: ModelEvaluation,
  threats: readonly ThreatResult[],
): ModelResult {
  return {
    id: model.id,
    label: model.label ?? model.id,
    architecture: model.architecture ?? null,
    parameters: parameterCount(model),
    weights: recipe.model.weights,
    clean: accuracyOfRun(clean, ({ label, prediction }) => label === prediction),
    threats,
    findings: examination(clean),
  };
}

function accuracyOfRun<S extends { sample: number }>(
  { chunks }: FinishedRun<S, object>,
  counts: (sample: S) => boolean,
): Accuracy {
  const samples = chunks.flatMap((chunk) => chunk.samples);
  return accuracyOf(samples.filter(counts).length, samples.length);
}

/** Per attack over all chunks. A chunk that was all broken before an attack's turn leaves it nothing: 0 robust, 0 passes. */
function sumAttacks(summaries: readonly ThreatSummary[]): AttackReport[] {
  const reports = new Map<string, { robust: number; forward: number; backward: number }>();
  for (const { attacks } of summaries)
    for (const { name, robust, forward, backward } of attacks) {
      const report = reports.get(name) ?? { robust: 0, forward: 0, backward: 0 };
      reports.set(name, {
        robust: report.robust + robust,
        forward: report.forward + (forward ?? 0),
        backward: report.backward + (backward ?? 0),
      });
    }
  return [...reports].map(([name, report]) => ({ name, ...report }));
}

/** What the model doctor found. */
function examination({ chunks }: ModelEvaluation['clean']): Finding[] {
  return chunks.flatMap(({ commit }) => commit.findings);
}

/** Findings of all chunks, each once: chunks that differ in their numbers only say the same. `known` ones are left out. */
function distinctFindings(findings: readonly Finding[], known: readonly Finding[]): Finding[] {
  const statement = ({ code, message }: Finding) => `${code} ${message.replace(/\d[\d.,]*/g, '#')}`;
  const said = new Set(known.map(statement));
  return findings.filter((finding) => !said.has(statement(finding)) && said.add(statement(finding)));
}
