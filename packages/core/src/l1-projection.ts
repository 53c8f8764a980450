/**
 * Euclidean projection onto {z : |z - x|_1 <= eps, 0 <= z <= 1} (Croce and Hein, "Mind the box: l1-APGD for sparse
 * adversarial attacks on image classifiers", ICML 2021, section 2). A coordinate gives up clip(alpha, b, a) of its length
 * a = |y|, where b is what leaves the box; alpha solves sum clip(alpha, b, a) = |y|_1 - eps. The reference sorts the
 * breakpoints of this piecewise linear equation; here safeguarded Newton steps find the same root without sorting.
 */

/**
 * Writes into `correction` the d for which x + y + d is the projection of x + y. x: the image, in [0,1]; y: the
 * perturbation; all of the same length.
 */
export function l1Correction(x: Float32Array, y: Float32Array, eps: number, correction: Float32Array): void {
  let excess = -eps; // |y|_1 - eps - sum b: what the ball still has to take after the clip to the box
  let longest = 0;
  for (let i = 0; i < y.length; i++) {
    const length = Math.abs(y[i]);
    const overshoot = boxOvershoot(x[i], y[i]);
    excess += length - overshoot;
    if (length > longest) longest = length;
  }
  const alpha = excess > 0 ? thresholdFor(x, y, eps, longest) : 0;
  for (let i = 0; i < y.length; i++) {
    const given = Math.min(Math.max(alpha, boxOvershoot(x[i], y[i])), Math.abs(y[i]));
    correction[i] = y[i] > 0 ? -given : given;
  }
}

/** How far x + y lies outside [0,1]. */
function boxOvershoot(x: number, y: number): number {
  return Math.max(0, -Math.min(Math.fround(Math.fround(1 - x) - y), Math.fround(x + y)));
}

/** The alpha > 0 at which sum_i clip(alpha, b_i, a_i) - a_i + eps crosses zero. */
function thresholdFor(x: Float32Array, y: Float32Array, eps: number, longest: number): number {
  let low = 0;
  let high = longest;
  let alpha = 0;
  for (let iteration = 0; iteration < 100; iteration++) {
    let value = eps;
    let slope = 0;
    for (let i = 0; i < y.length; i++) {
      const length = Math.abs(y[i]);
      if (alpha >= length) continue;
      const overshoot = boxOvershoot(x[i], y[i]);
      if (alpha >= overshoot) {
        value += alpha - length;
        slope++;
      } else value += overshoot - length;
    }
    if (value === 0) return alpha;
    if (value < 0) low = alpha;
    else high = alpha;
    const newton = alpha - value / slope;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - alpha) <= 1e-15 * longest || next === low || next === high) return next;
    alpha = next;
  }
  return alpha;
}
