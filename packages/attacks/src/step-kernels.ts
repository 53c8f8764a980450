/** The compiled kernels of assembly/steps.ts with arrays in their memory. */
import { WasmMemory } from '@revat/core';

import { SOURCE_SHA256, WASM_BASE64 } from './steps-wasm.js';

/** Every number but the last of `climb` and `combine` and the distances is an address or a length. */
export interface StepKernels {
  climb(
    current: number,
    previous: number,
    gradient: number,
    low: number,
    high: number,
    next: number,
    length: number,
    step: number,
    hasMomentum: boolean,
  ): void;
  layOut(scratch: number, length: number, norm: number): void;
  setNormal(normal: number): void;
  project(point: number, above: number, displacement: number): number;
  distanceAlong(normal: number, from: number, to: number, length: number): number;
  combine(
    point: number,
    fromPoint: number,
    clean: number,
    fromClean: number,
    length: number,
    alpha: number,
    overshoot: number,
  ): void;
}

/** The hash of the source that the kernels were compiled from. */
export const STEP_KERNELS_SHA256 = SOURCE_SHA256;

/** Float32 values at an address that the kernels know. */
export interface KernelArray {
  readonly address: number;
  readonly values: Float32Array;
}

/** Memory for images of one size: shared by all attacks, so free between two calls. */
export interface StepMemory {
  readonly kernels: StepKernels;
  /** Values in an array, filled up with zeros that do no harm: a multiple of four. */
  readonly length: number;
  readonly arrays: readonly [KernelArray, KernelArray, KernelArray, KernelArray, KernelArray, KernelArray];
  /** The address of 40 bytes for every value. */
  readonly scratch: number;
}

const ARRAYS = 6;
const SCRATCH_BYTES = 40;

let memory: WasmMemory<StepKernels> | undefined;
let latest: StepMemory | undefined;
let latestSize = -1;

/** The memory for images of `size` values. */
export function stepMemory(size: number): StepMemory {
  if (latest && latestSize === size) return latest;
  const wasm = (memory ??= new WasmMemory(WASM_BASE64));
  wasm.reset();
  const length = Math.ceil(size / 4) * 4;
  const bytes = length * Float32Array.BYTES_PER_ELEMENT;
  const addresses = Array.from({ length: ARRAYS }, () => wasm.reserve(bytes));
  const scratch = wasm.reserve(length * SCRATCH_BYTES);
  const arrays = addresses.map((address): KernelArray => {
    const whole = wasm.bytes(address, bytes).fill(0);
    return { address, values: new Float32Array(whole.buffer, address, size) };
  });
  latestSize = size;
  latest = { kernels: wasm.exports, length, arrays: arrays as unknown as StepMemory['arrays'], scratch };
  return latest;
}
