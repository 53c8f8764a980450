import type { Ball } from './ball.js';
import { l1Correction } from './l1-projection.js';
import type { RandomStream } from './random.js';

/**
 * The random starts of the AutoAttack reference, one per norm. Linf: uniform noise scaled so that its largest component is
 * exactly eps (not uniform in the ball); L2: Gaussian noise scaled to length eps; both clipped to the box.
 * L1: Gaussian noise projected onto the ball and the box.
 */

/** A random point of the ball: one draw per pixel from `stream`. */
export function randomStart(ball: Ball, stream: Pick<RandomStream, 'uniforms' | 'normals'>): Float32Array {
  const { norm, center, eps } = ball;
  const noise = norm === 'Linf' ? stream.uniforms(center.length) : stream.normals(center.length);
  const point = norm === 'L1' ? projectedNoise(center, noise, eps) : scaledNoise(ball, noise);
  ball.project(point);
  return point;
}

/** x + noise projected onto the L1 ball of radius eps, and the box. */
export function projectedNoise(center: Float32Array, noise: Float32Array, eps: number): Float32Array {
  const correction = new Float32Array(center.length);
  l1Correction(center, noise, eps, correction);
  return center.map((value, i) => Math.fround(value + noise[i]) + correction[i]);
}

function scaledNoise({ norm, center, eps }: Ball, noise: Float32Array): Float32Array {
  const direction = norm === 'Linf' ? noise.map((uniform) => 2 * uniform - 1) : noise;
  let size = 0;
  for (const value of direction)
    size = norm === 'Linf' ? Math.max(size, Math.abs(value)) : size + value * value;
  const scale = eps / ((norm === 'Linf' ? size : Math.sqrt(size)) + 1e-12);
  return center.map((value, i) => value + scale * direction[i]);
}
