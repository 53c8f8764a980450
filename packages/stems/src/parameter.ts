import { RevatError } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';
import { initialValues, type InitialValues } from './initial-values.js';

/** How PyTorch's array of a shape is stored here: its axes in another order, so nothing is lost either way. */
export type ParameterLayout =
  /** As it is: norms, biases, tokens. */
  | 'same'
  /** (out, in) -> [in, out]. */
  | 'linear'
  /** (out, in, kh, kw) -> [kh, kw, in, out]; for a grouped convolution `in` is the width of a group. */
  | 'conv'
  /** (channels, 1, kh, kw) -> [kh, kw, channels, 1]. */
  | 'depthwise';

/** One named array of a network, as PyTorch knows it and as it is stored here. */
export interface ParameterSpec {
  /** timm's name, e.g. `stages.0.blocks.0.conv_dw.weight`. */
  readonly name: string;
  /** Trained, or only carried along (batch-norm statistics, normalisation constants). */
  readonly kind: 'parameter' | 'buffer';
  /** PyTorch's element type; stored as float32 in any case (int64 only for the batch counters of batch norm). */
  readonly torchDtype: 'float32' | 'int64';
  readonly torchShape: readonly number[];
  /** Shape of the stored array; same elements. */
  readonly shape: readonly number[];
  readonly layout: ParameterLayout;
  readonly initial: InitialValues;
}

/** Elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The arrays of one network: declared while it is built, made when first needed, disposed together. */
export class ParameterStore {
  private readonly declared = new Map<string, ParameterSpec>();
  private readonly variables = new Map<string, tf.Variable>();
  private readonly seed: number;

  /** `seed` keys the initial values, together with each parameter's name. */
  constructor(seed: number) {
    this.seed = seed;
  }

  /** Everything declared, in the order of the PyTorch state dict. */
  get specs(): readonly ParameterSpec[] {
    return [...this.declared.values()];
  }

  spec(name: string): ParameterSpec | undefined {
    return this.declared.get(name);
  }

  declare(spec: ParameterSpec): void {
    if (this.declared.has(spec.name))
      throw new RevatError('invalid-argument', `parameters: ${spec.name} is declared twice.`);
    this.declared.set(spec.name, spec);
  }

  /** The variable of a declared name, made from its initial values if need be. The store disposes it. */
  variable(name: string): tf.Variable {
    const existing = this.variables.get(name);
    if (existing) return existing;
    const spec = this.require(name);
    return this.make(spec, initialValues(spec.initial, sizeOf(spec.shape), this.seed, name));
  }

  /** Sets a variable to `values` in the stored layout, making it if need be; nothing is drawn in vain. */
  set(name: string, values: Float32Array): void {
    const spec = this.require(name);
    if (values.length !== sizeOf(spec.shape)) {
      throw new RevatError(
        'mismatch',
        `parameters: ${name} has ${sizeOf(spec.shape)} elements [${spec.shape.join(', ')}], got ${values.length}.`,
      );
    }
    const existing = this.variables.get(name);
    if (!existing) this.make(spec, values);
    else
      tf.tidy(() => {
        existing.assign(tf.tensor(values, [...spec.shape], 'float32'));
      });
  }

  /** Makes every variable that does not exist yet. */
  materialize(): void {
    for (const name of this.declared.keys()) this.variable(name);
  }

  /** The variables of one kind, in state-dict order. */
  ofKind(kind: ParameterSpec['kind']): Map<string, tf.Variable> {
    const chosen = this.specs.filter((spec) => spec.kind === kind);
    return new Map(chosen.map((spec) => [spec.name, this.variable(spec.name)]));
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
    this.variables.clear();
  }

  private require(name: string): ParameterSpec {
    const spec = this.declared.get(name);
    if (!spec) throw new RevatError('unknown-name', `parameters: the network has no ${name}.`);
    return spec;
  }

  private make(spec: ParameterSpec, values: Float32Array): tf.Variable {
    // tfjs registers names of variables process-wide, so a second model's would collide: leave them anonymous.
    const initial = tf.tensor(values, [...spec.shape], 'float32');
    const variable = tf.variable(initial, spec.kind === 'parameter');
    initial.dispose();
    this.variables.set(spec.name, variable);
    return variable;
  }
}
