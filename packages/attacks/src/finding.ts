/** What can look wrong about a model or a run. */
export type FindingCode =
  | 'random-model'
  | 'probabilities'
  | 'zero-gradients'
  | 'non-finite-logits'
  | 'non-finite-gradients'
  | 'input-range'
  | 'layout'
  | 'batch-dependence'
  | 'few-classes'
  | 'low-clean-accuracy'
  | 'loss-substituted'
  | 'targets-reduced'
  | 'square-beats-white-box'
  | 'verdict-not-reproduced';

/** Suspicious evidence, what follows from it, and what to do. Serialisable. */
export interface Finding {
  readonly code: FindingCode;
  /** error: the result is meaningless; warning: robustness may be overestimated; info: something to know. */
  readonly severity: 'error' | 'warning' | 'info';
  /** What was observed, with numbers. */
  readonly message: string;
  readonly consequence: string;
  readonly fix: string;
}

/** Adds a finding unless the same one is there. */
export function reportOnce(findings: Finding[], finding: Finding): void {
  if (!findings.some(({ code, message }) => code === finding.code && message === finding.message))
    findings.push(finding);
}
