/**
 * The random search of the Square attack for one image at a time: starting point and candidates, in three norms
 * (Andriushchenko et al., ECCV 2020, arXiv:1912.00049; L1 as in AutoAttack). All arrays are float32 [H,W,C] views, values in [0,1].
 *
 * Deviation: each image draws from a stream of its own, so that what is found for it does not depend on the batch; the reference
 * draws window positions (and in Linf the signs, too) once for the whole batch.
 */
import { l1Correction, perturbationNorm, type Ball, type NormName, type RandomStream } from '@revat/core';

import { startTiles, windowFraction, windowPattern, windowSide } from './square-window.js';

/** The part of a RandomStream that the search draws from; tests replay recorded draws through it. */
export type UniformSource = Pick<RandomStream, 'uniform'>;

export interface SquareSearch {
  /** Writes the starting point of the ball's centre into `start`. */
  start(ball: Ball, start: Float32Array, random: UniformSource): void;
  /**
   * Writes into `candidate`, which equals `best` on entry, the candidate of `step` (0 is the first). Returns false if it
   * still equals `best`.
   */
  propose(
    ball: Ball,
    best: Float32Array,
    candidate: Float32Array,
    step: number,
    random: UniformSource,
  ): boolean;
}

export interface SquareSearchOptions {
  readonly norm: NormName;
  /** Fraction of the pixels that the first windows cover. */
  readonly initialFraction: number;
  /** Steps of the schedule per step of the search: 1 unless the schedule is rescaled to the budget. */
  readonly scheduleRate: number;
}

/** [H,W,C] */
export type ImageShape = readonly [number, number, number];

/** A window's corner; its side is that of the step. */
interface Corner {
  readonly top: number;
  readonly left: number;
}

/** The search in images of that shape. It owns scratch memory, so use one per run. */
export function squareSearch(options: SquareSearchOptions, shape: ImageShape): SquareSearch {
  return options.norm === 'Linf' ? linfSearch(options, shape) : patternSearch(options, options.norm, shape);
}

function sideAt(step: number, options: SquareSearchOptions, [height, width]: ImageShape): number {
  const fraction = windowFraction(options.initialFraction, Math.trunc(step * options.scheduleRate));
  return windowSide(options.norm, fraction, height, width);
}

/** A corner in rows 0 .. H-side-1 and columns 0 .. W-side-1; as in the reference the very last offset is never drawn. */
function drawCorner(side: number, [height, width]: ImageShape, random: UniformSource): Corner {
  const top = Math.floor(random.uniform() * (height - side));
  const left = Math.floor(random.uniform() * (width - side));
  return { top, left };
}

function drawSign(random: UniformSource): number {
  return random.uniform() < 0.5 ? -1 : 1;
}

/**
 * Linf: vertical stripes of +-eps at the start, then windows that move by +-2 eps and are clipped to ball and box: they end at
 * a bound of the ball, wherever they were.
 */
function linfSearch(options: SquareSearchOptions, shape: ImageShape): SquareSearch {
  const [, width, channels] = shape;
  const stripes = new Float32Array(width * channels);

  return {
    start(ball, start, random) {
      // The reference's order of draws: [C, W].
      for (let c = 0; c < channels; c++)
        for (let x = 0; x < width; x++) stripes[x * channels + c] = drawSign(random) * ball.eps;
      for (let i = 0; i < start.length; i++) start[i] = ball.center[i] + stripes[i % stripes.length];
      ball.project(start);
    },
    propose(ball, best, candidate, step, random) {
      const side = sideAt(step, options, shape);
      const { top, left } = drawCorner(side, shape, random);
      const { low, high } = ball.bounds!;
      let isChanged = false;
      for (let c = 0; c < channels; c++) {
        const bound = drawSign(random) < 0 ? low : high;
        for (let y = top; y < top + side; y++) {
          const begin = (y * width + left) * channels + c;
          for (let i = begin; i < begin + side * channels; i += channels) {
            if (best[i] !== bound[i]) isChanged = true;
            candidate[i] = bound[i];
          }
        }
      }
      return isChanged;
    },
  };
}

/**
 * L2 and L1: a grid of tiles at the start; then one window gains the pattern and takes over the length of another, which is
 * erased. The lengths are those of the old contents, channel by channel.
 */
function patternSearch(options: SquareSearchOptions, norm: 'L2' | 'L1', shape: ImageShape): SquareSearch {
  const [height, width, channels] = shape;
  const delta = new Float32Array(height * width * channels);
  const signs = new Float32Array(channels);
  const gaining = new Int32Array(height * width);
  const erased = new Int32Array(height * width);
  const content = new Float32Array(height * width);
  const patternOf = patternCache(norm);
  const place = norm === 'L2' ? placeOnSphere : l1Placement(delta.length);
  const measure = norm === 'L2' ? (value: number) => value * value : Math.abs;

  /** Writes the new content of one channel's windows into `delta`. */
  function refill(
    c: number,
    pattern: Float32Array,
    pixels: number,
    erasedPixels: number,
    slack: number,
  ): void {
    let own = 0;
    for (let p = 0; p < pixels; p++) own += measure(delta[gaining[p] + c]);
    let both = own;
    for (let p = 0; p < erasedPixels; p++) both += measure(delta[erased[p] + c]);

    const scale = 1 / (1e-12 + (norm === 'L2' ? Math.sqrt(own) : own));
    let mixed = 0;
    for (let p = 0; p < pixels; p++) {
      content[p] = pattern[p] * signs[c] + delta[gaining[p] + c] * scale;
      mixed += measure(content[p]);
    }
    const length =
      norm === 'L2'
        ? Math.sqrt(slack / channels + both) / (1e-12 + Math.sqrt(mixed))
        : ((slack / channels + both) * channels) / (1e-12 + mixed);
    for (let p = 0; p < erasedPixels; p++) delta[erased[p] + c] = 0;
    for (let p = 0; p < pixels; p++) delta[gaining[p] + c] = content[p] * length;
  }

  return {
    start(ball, start, random) {
      delta.fill(0);
      const tiles = startTiles(height, width);
      for (let row = 0; row < tiles.rows; row++) {
        for (let column = 0; column < tiles.columns; column++) {
          const pattern = patternOf(tiles.side, random.uniform() > 0.5);
          for (let c = 0; c < channels; c++) signs[c] = drawSign(random);
          const corner = { top: tiles.first + row * tiles.side, left: tiles.first + column * tiles.side };
          addTile(delta, shape, corner, tiles.side, pattern, signs);
        }
      }
      place(ball, delta, start);
    },
    propose(ball, best, candidate, step, random) {
      const side = sideAt(step, options, shape);
      const gain = drawCorner(side, shape, random);
      const erase = drawCorner(side, shape, random);
      const pattern = patternOf(side, random.uniform() > 0.5);
      for (let c = 0; c < channels; c++) signs[c] = drawSign(random);

      let used = 0;
      for (let i = 0; i < delta.length; i++) used += measure((delta[i] = best[i] - ball.center[i]));
      const slack = Math.max(measure(ball.eps) - used, 0);
      const pixels = listPixels(gaining, gain, side, shape);
      const erasedPixels = listPixels(erased, erase, side, shape, gain);
      for (let c = 0; c < channels; c++) refill(c, pattern, pixels, erasedPixels, slack);
      place(ball, delta, candidate);
      return true;
    },
  };
}

/** L2: the perturbation at length eps, clipped to the box. */
function placeOnSphere(ball: Ball, delta: Float32Array, point: Float32Array): void {
  const { center, eps } = ball;
  let squares = 0;
  for (let i = 0; i < delta.length; i++) squares += delta[i] * delta[i];
  const scale = eps / (Math.sqrt(squares) + 1e-12);
  for (let i = 0; i < delta.length; i++) point[i] = clampToBox(center[i] + delta[i] * scale);
  if (perturbationNorm('L2', center, point) > eps) ball.project(point);
}

/** L1: the projection onto the ball, a little smaller as in the reference, and the box. */
function l1Placement(size: number): (ball: Ball, delta: Float32Array, point: Float32Array) => void {
  const correction = new Float32Array(size);
  return (ball, delta, point) => {
    const { center, eps } = ball;
    l1Correction(center, delta, eps * (1 - 1e-6), correction);
    for (let i = 0; i < size; i++) point[i] = clampToBox(Math.fround(center[i] + delta[i]) + correction[i]);
    if (perturbationNorm('L1', center, point) > eps) ball.project(point);
  };
}

/** Patterns and their transposes by side, computed once each. */
function patternCache(norm: 'L2' | 'L1'): (side: number, transposed: boolean) => Float32Array {
  const cache = new Map<number, [Float32Array, Float32Array]>();
  return (side, transposed) => {
    let pair = cache.get(side);
    if (!pair) {
      const pattern = windowPattern(norm, side);
      pair = [pattern, pattern.map((_, p) => pattern[(p % side) * side + Math.floor(p / side)])];
      cache.set(side, pair);
    }
    return pair[transposed ? 1 : 0];
  };
}

/** Writes the offsets of a window's pixels, except those that lie in the window at `except` too; returns their number. */
function listPixels(
  offsets: Int32Array,
  corner: Corner,
  side: number,
  [, width, channels]: ImageShape,
  except?: Corner,
): number {
  let count = 0;
  for (let y = corner.top; y < corner.top + side; y++) {
    const shared = except !== undefined && y >= except.top && y < except.top + side;
    for (let x = corner.left; x < corner.left + side; x++) {
      if (shared && x >= except.left && x < except.left + side) continue;
      offsets[count++] = (y * width + x) * channels;
    }
  }
  return count;
}

/** Adds sign x pattern at a corner, cut at the image's edges. */
function addTile(
  delta: Float32Array,
  [height, width, channels]: ImageShape,
  { top, left }: Corner,
  side: number,
  pattern: Float32Array,
  signs: Float32Array,
): void {
  for (let y = top; y < Math.min(top + side, height); y++) {
    for (let x = left; x < Math.min(left + side, width); x++) {
      const value = pattern[(y - top) * side + (x - left)];
      for (let c = 0; c < channels; c++) delta[(y * width + x) * channels + c] += value * signs[c];
    }
  }
}

function clampToBox(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}
