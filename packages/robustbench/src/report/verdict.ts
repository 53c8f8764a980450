import { formatRadius, type NormName } from '@revat/core';

import type { ModelResult, Results, ThreatResult } from '../results.js';
import { protocolLabel } from '../threat-model.js';
import { percent } from './number-text.js';

/** What the run found, in parts of one sentence: the highlight is what matters most. */
export interface Verdict {
  /** E.g. "standard AutoAttack"; the threat model follows it. */
  readonly protocol: string;
  readonly norm: NormName;
  readonly radius: string;
  readonly model: string;
  readonly highlight: string;
  readonly after: string;
}

/**
 * The run in one sentence, about the first threat model that was seen in training (else the first of all): the most
 * robust model, and how it compares with the least robust one. Null if nothing was attacked.
 */
export function verdict(results: Results): Verdict | null {
  const threat = results.threatModels.find(({ seen }) => seen) ?? results.threatModels[0];
  const ranked = results.models
    .flatMap((model) => {
      const result = model.threats.find(({ threatModel }) => threatModel === threat?.id);
      return result ? [{ model, result }] : [];
    })
    .sort((a, b) => b.result.robust.accuracy - a.result.robust.accuracy);
  if (!threat || ranked.length === 0) return null;
  const [best] = ranked;
  return {
    protocol: protocolLabel(threat.protocol),
    norm: threat.norm,
    radius: formatRadius(threat.eps),
    model: best.model.label,
    highlight: countsText(best.result),
    after: `, at ${percent(best.model.clean.accuracy)} clean accuracy${ranked.length > 1 ? comparison(best, ranked[ranked.length - 1]) : ''}.`,
  };
}

/** The verdict as plain text. */
export function verdictText(results: Results): string {
  const parts = verdict(results);
  if (!parts) return 'No attack was run.';
  const { protocol, norm, radius, model, highlight, after } = parts;
  return `${model}: ${highlight} withstand ${protocol} within ${norm} ${radius}${after}`;
}

function countsText({ robust }: ThreatResult): string {
  return `${robust.correct} of ${robust.total} images (${percent(robust.accuracy)})`;
}

interface Ranked {
  readonly model: ModelResult;
  readonly result: ThreatResult;
}

function comparison(best: Ranked, worst: Ranked): string {
  const [high, low] = [best.result.robust, worst.result.robust];
  if (high.correct === low.correct && high.total === low.total)
    return '; the other models withstand it equally well';
  const kept = low.correct === 0 ? 'none' : String(low.correct);
  return `; ${worst.model.label}: ${kept}, at ${percent(worst.model.clean.accuracy)}`;
}
