import type { TensorInfo } from '@tensorflow/tfjs-core';

import { ALIAS, type Lowering, type TensorMeta } from './lowerings/lowering.js';
import type { EngineDtype } from './runtime/session-runtime.js';

/** Everything about a kernel call but the values: calls with equal signatures share this one object. */
export interface Signature {
  /** Unique among all signatures of the process. */
  readonly id: number;
  readonly lowering: Lowering;
  readonly attrs: Readonly<Record<string, unknown>>;
  /** By position; undefined where an optional input is not given. */
  readonly inputs: readonly (TensorMeta | undefined)[];
  /** Null where the CPU kernel must do it. */
  readonly outputs: readonly TensorMeta[] | null;
  /** Whether the kernel returns a list of tensors, however long. */
  readonly isList: boolean;
  /** The result is an alias of an input: also left to the CPU kernel, at no cost. */
  readonly isAlias: boolean;
}

const ENGINE_DTYPES: readonly string[] = ['float32', 'int32', 'bool'];
/** Attributes that never repeat (a seed, a schedule) would otherwise fill the memory. */
const MAX_SIGNATURES = 20_000;

/** Finds the signature of a call; a new one has its shapes inferred, once. */
export class SignatureTable {
  private readonly table = new Map<string, Signature>();
  private nextId = 1;

  signatureOf(
    lowering: Lowering,
    inputs: readonly (TensorInfo | undefined)[],
    attrs: Readonly<Record<string, unknown>> = {},
  ): Signature {
    let key = lowering.kernel;
    for (const input of inputs) key += input ? `|${input.dtype}${input.shape}` : '|';
    for (const name in attrs) key += `;${name}=${attributeKey(attrs[name])}`;
    let signature = this.table.get(key);
    if (!signature) {
      if (this.table.size >= MAX_SIGNATURES) this.table.clear();
      signature = this.infer(lowering, inputs, attrs);
      this.table.set(key, signature);
    }
    return signature;
  }

  private infer(
    lowering: Lowering,
    inputs: readonly (TensorInfo | undefined)[],
    attrs: Readonly<Record<string, unknown>>,
  ): Signature {
    const metas = inputs.map(
      (input) => input && { shape: [...input.shape], dtype: input.dtype as EngineDtype },
    );
    const inferred = inputs.every(isEngineTensor) ? lowering.infer(metas as TensorMeta[], attrs) : null;
    const isAlias = inferred === ALIAS;
    const outputs = isAlias || inferred === null ? null : [inferred].flat();
    return {
      id: this.nextId++,
      lowering,
      attrs: structuredClone(attrs),
      inputs: metas,
      outputs: outputs?.every(({ shape }) => shape.every((size) => size > 0)) ? outputs : null,
      isList: Array.isArray(inferred),
      isAlias,
    };
  }
}

/** Empty tensors, strings and complex numbers are for the CPU kernels. */
function isEngineTensor(tensor: TensorInfo | undefined): boolean {
  return (
    tensor === undefined || (ENGINE_DTYPES.includes(tensor.dtype) && tensor.shape.every((size) => size > 0))
  );
}

/** Distinguishes nested lists, NaN, infinities and -0, which JSON does not. */
function attributeKey(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(attributeKey)}]`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value).map(([name, entry]) => `${name}:${attributeKey(entry)}`)}}`;
  }
  return typeof value === 'string' ? `"${value}"` : String(value);
}

/** A call as an error message shows it: `Conv2D([1,8,8,3], [3,3,3,16])`. */
export function describeCall({ lowering, inputs }: Signature): string {
  const shapes = inputs.filter((input) => input !== undefined).map(({ shape }) => `[${shape}]`);
  return `${lowering.kernel}(${shapes.join(', ')})`;
}
