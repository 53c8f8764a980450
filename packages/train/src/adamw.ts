import * as tf from '@tensorflow/tfjs-core';

import { PackedVariables, packRuns } from './packed-variables.js';

/**
 * AdamW (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019), in PyTorch's order of operations:
 *   p <- p (1 - lr wd);  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
 *   p <- p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 * Weight decay spares parameters of rank <= 1 and biases, as timm and the paper do (position embeddings and class
 * tokens do decay).
 */
export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export const ADAMW_DEFAULTS: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.05 };

/** Parameters that are updated together, with their moments as vectors in the same order. */
interface ParameterGroup {
  readonly names: readonly string[];
  readonly parameters: PackedVariables;
  readonly decays: boolean;
  readonly first: tf.Variable<tf.Rank.R1>;
  readonly second: tf.Variable<tf.Rank.R1>;
}

/** Whether AdamW's weight decay applies to a parameter of that name and rank. */
export function hasWeightDecay(name: string, rank: number): boolean {
  return rank > 1 && !name.endsWith('.bias');
}

export class AdamW {
  private readonly options: AdamWOptions;
  private readonly groups: ParameterGroup[];
  private stepCount = 0;

  /** Owns two vectors as long as all parameters together; `dispose()` frees them, the parameters stay the caller's. */
  constructor(parameters: ReadonlyMap<string, tf.Variable>, options: Partial<AdamWOptions> = {}) {
    this.options = { ...ADAMW_DEFAULTS, ...options };
    const entries = [...parameters].map(([name, variable]) => ({ name, variable }));
    const decaying = (wanted: boolean) =>
      entries.filter(({ name, variable }) => hasWeightDecay(name, variable.rank) === wanted);
    this.groups = [true, false].flatMap((decays) =>
      packRuns(decaying(decays)).map((run) => parameterGroup(run, decays)),
    );
  }

  /** Number of updates made so far (t of the equations). */
  get steps(): number {
    return this.stepCount;
  }

  /**
   * Updates every parameter from its gradient, [same shape], float32. Reads nothing: with a lazy backend the update is
   * part of the step's graph. Leaves no tensors behind; the gradients stay the caller's.
   */
  update(gradients: Readonly<Record<string, tf.Tensor>>, learningRate: number): void {
    const { beta1, beta2, epsilon, weightDecay } = this.options;
    const t = ++this.stepCount;
    tf.tidy(() => {
      // Tensors, not numbers: what changes from step to step has to be an input of the compiled graph.
      const keep = tf.scalar(1 - learningRate * weightDecay);
      const stepSize = tf.scalar(learningRate / (1 - beta1 ** t));
      const correction = tf.scalar(1 / Math.sqrt(1 - beta2 ** t));
      for (const { names, parameters, decays, first, second } of this.groups) {
        const gradient = parameters.pack(names.map((name) => gradients[name]));
        const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
        const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
        const denominator = tf.add(tf.mul(tf.sqrt(v), correction), epsilon);
        const values = parameters.values();
        const decayed = decays ? tf.mul(values, keep) : values;
        parameters.assign(tf.sub(decayed, tf.mul(stepSize, tf.div(m, denominator))));
        first.assign(m as tf.Tensor1D);
        second.assign(v as tf.Tensor1D);
      }
    });
  }

  /** The state for a checkpoint: names to variables, which stay the optimiser's. */
  state(): Map<string, tf.Variable> {
    const entries = this.groups.flatMap(({ first, second }, i): [string, tf.Variable][] => [
      [`first.${i}`, first],
      [`second.${i}`, second],
    ]);
    return new Map(entries);
  }

  /** Continues counting after `steps` updates; the moments are restored through `state()`. */
  resumeAt(steps: number): void {
    this.stepCount = steps;
  }

  dispose(): void {
    for (const { first, second } of this.groups) tf.dispose([first, second]);
    this.groups.length = 0;
  }
}

function parameterGroup(
  run: readonly { readonly name: string; readonly variable: tf.Variable }[],
  decays: boolean,
): ParameterGroup {
  const parameters = new PackedVariables(run.map(({ variable }) => variable));
  const zeros = () => tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([parameters.size]), false));
  return { names: run.map(({ name }) => name), parameters, decays, first: zeros(), second: zeros() };
}
