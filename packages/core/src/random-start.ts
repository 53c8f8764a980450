import type { Ball } from './ball.js';
import type { RandomStream } from './random.js';

/**
 * The random starts of the AutoAttack reference, one per norm. Linf: uniform noise scaled so that its largest component is
 * exactly eps (not uniform in the ball); L2: Gaussian noise scaled to length eps; both clipped to the box.
 * L1: Gaussian noise projected onto the ball and the box.
 */

/** A random point of the ball: one draw per pixel from `stream`. */
export function randomStart(ball: Ball, stream: Pick<RandomStream, 'uniforms' | 'normals'>): Float32Array {
  const { norm, center } = ball;
  const noise = norm === 'Linf' ? stream.uniforms(center.length) : stream.normals(center.length);
  const point = norm === 'L1' ? center.map((value, i) => value + noise[i]) : scaledNoise(ball, noise);
  ball.project(point);
  return point;
}

/** A random corner of an Linf ball, clipped to the box: every pixel moves by eps up or down. One draw per pixel. */
export function cornerStart(ball: Ball, stream: Pick<RandomStream, 'uniforms'>): Float32Array {
  const { center, eps } = ball;
  const uniforms = stream.uniforms(center.length);
  const point = center.map((value, i) => (uniforms[i] < 0.5 ? value - eps : value + eps));
  ball.project(point);
  return point;
}

function scaledNoise({ norm, center, eps }: Ball, noise: Float32Array): Float32Array {
  const direction = norm === 'Linf' ? noise.map((uniform) => 2 * uniform - 1) : noise;
  let size = 0;
  for (const value of direction)
    size = norm === 'Linf' ? Math.max(size, Math.abs(value)) : size + value * value;
  const scale = eps / ((norm === 'Linf' ? size : Math.sqrt(size)) + 1e-12);
  return center.map((value, i) => value + scale * direction[i]);
}
