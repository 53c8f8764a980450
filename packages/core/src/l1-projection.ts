/**
 * Euclidean projection onto {z : |z - x|_1 <= eps, 0 <= z <= 1} (Croce and Hein, "Mind the box: l1-APGD for sparse
 * adversarial attacks on image classifiers", ICML 2021, section 2). A coordinate gives up clip(alpha, b, a) of its length
 * a = |y|, where b is what leaves the box; alpha solves sum clip(alpha, b, a) = |y|_1 - eps. The reference sorts the
 * breakpoints of this piecewise linear equation; here safeguarded Newton steps find the same root without sorting.
 */

/** Looked up once: these functions are called for every pixel. */
const { abs, fround, max, min } = Math;

/**
 * A coordinate this close to the threshold counts as on it and gives up all its length: APGD's steps make groups of equal
 * coordinates whose threshold is their common length, and a residue of float32 would count as a changed pixel.
 */
const TIE = 1e-7;

/**
 * Writes into `correction` the d for which x + y + d is the projection of x + y. x: the image, in [0,1]; y: the
 * perturbation; all of the same length.
 */
export function l1Correction(x: Float32Array, y: Float32Array, eps: number, correction: Float32Array): void {
  let excess = -eps; // |y|_1 - eps - sum b: what the ball still has to take after the clip to the box
  let longest = 0;
  for (let i = 0; i < y.length; i++) {
    const length = abs(y[i]);
    const overshoot = boxOvershoot(x[i], y[i]);
    excess += length - overshoot;
    if (length > longest) longest = length;
  }
  const alpha = excess > 0 ? thresholdFor(x, y, eps, longest) : 0;
  for (let i = 0; i < y.length; i++) {
    const length = abs(y[i]);
    const given = length - alpha <= TIE ? length : max(alpha, boxOvershoot(x[i], y[i]));
    correction[i] = y[i] > 0 ? -given : given;
  }
}

/** How far x + y lies outside [0,1]. */
function boxOvershoot(x: number, y: number): number {
  return max(0, -min(fround(fround(1 - x) - y), fround(x + y)));
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
      const length = abs(y[i]);
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
    if (abs(next - alpha) <= 1e-15 * longest || next === low || next === high) return next;
    alpha = next;
  }
  return alpha;
}
