/** Linear warm-up, then half a cosine down to `finalLearningRate` (Loshchilov & Hutter, ICLR 2017; the paper, appendix A.1). */
export interface LearningRateSchedule {
  /** Rate at the end of the warm-up. */
  readonly peak: number;
  /** Rate after the last step. */
  readonly final: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/** The rate of a step (0-based). Never 0 during warm-up: the first step uses peak / warmupSteps. */
export function learningRateAt(schedule: LearningRateSchedule, step: number): number {
  const { peak, final, warmupSteps, totalSteps } = schedule;
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(totalSteps - warmupSteps, 1);
  return final + (peak - final) * 0.5 * (1 + Math.cos(Math.PI * Math.min(progress, 1)));
}

/** The radius of a step (0-based): rises linearly from `from` to `to` over `rampSteps`, then stays. */
export function radiusAt(ramp: { from: number; to: number; rampSteps: number }, step: number): number {
  if (step >= ramp.rampSteps) return ramp.to;
  return ramp.from + ((ramp.to - ramp.from) * (step + 1)) / (ramp.rampSteps + 1);
}
