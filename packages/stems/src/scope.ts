import type * as tf from '@tensorflow/tfjs-core';
import type { InitialValues } from './initial-values.js';
import type { ParameterLayout, ParameterSpec, ParameterStore } from './parameter.js';

/** Stored axis i is PyTorch's axis AXES[layout][i]. */
const AXES: Record<Exclude<ParameterLayout, 'same'>, readonly number[]> = {
  linear: [1, 0],
  conv: [2, 3, 1, 0],
  depthwise: [2, 3, 0, 1],
};

/** Reads a declared array; makes it on first use. */
export type ParameterReader<T extends tf.Tensor = tf.Tensor> = () => T;

interface DeclareOptions {
  readonly layout?: ParameterLayout;
  readonly kind?: ParameterSpec['kind'];
  readonly torchDtype?: ParameterSpec['torchDtype'];
}

/** A place in the tree of names: `scope('stages').child('0')` declares under `stages.0.`. */
export class Scope {
  readonly path: string;
  private readonly store: ParameterStore;

  constructor(store: ParameterStore, path = '') {
    this.store = store;
    this.path = path;
  }

  /** A deeper place; `name` may hold dots. */
  child(name: string | number): Scope {
    return new Scope(this.store, this.join(String(name)));
  }

  /** Declares an array of PyTorch's shape `torchShape` here and returns how to read it. */
  declare<T extends tf.Tensor>(
    name: string,
    torchShape: readonly number[],
    initial: InitialValues,
    { layout = 'same', kind = 'parameter', torchDtype = 'float32' }: DeclareOptions = {},
  ): ParameterReader<T> {
    const fullName = this.join(name);
    const axes = layout === 'same' ? torchShape.map((_, axis) => axis) : AXES[layout];
    const shape = axes.map((axis) => torchShape[axis]);
    this.store.declare({ name: fullName, kind, torchDtype, torchShape, shape, layout, initial });
    return () => this.store.variable(fullName) as tf.Tensor as T;
  }

  /** A reader and a writer of a buffer that the network itself updates (batch-norm statistics). */
  declareBuffer(
    name: string,
    torchShape: readonly number[],
    initial: InitialValues,
    torchDtype: ParameterSpec['torchDtype'] = 'float32',
  ): { read: ParameterReader<tf.Tensor1D>; assign: (value: tf.Tensor) => void } {
    const read = this.declare<tf.Tensor1D>(name, torchShape, initial, { kind: 'buffer', torchDtype });
    const fullName = this.join(name);
    return { read, assign: (value) => this.store.variable(fullName).assign(value) };
  }

  private join(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}
