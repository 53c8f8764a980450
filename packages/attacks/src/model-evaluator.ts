import { attackLoss, RevatError, type Classifier, type LossName } from '@revat/core';
import * as tf from '@tensorflow/tfjs-core';

/** What an attack asks the model about one image. */
export interface Query {
  /** [H,W,C]; read when the query is evaluated, so it may be a buffer that the attack reuses afterwards. */
  readonly image: Float32Array;
  /** The loss whose gradient with respect to the image is wanted; 'logits': that of every logit; null: none. */
  readonly loss: LossName | 'logits' | null;
  /** One-hot label, or soft labels for 'ce': [K]. Needed with a loss. */
  readonly label?: Float32Array;
  /** One-hot target class [K]. Needed with a targeted loss. */
  readonly target?: Float32Array;
}

/** The model's answer: views of the batch's results, which later answers do not overwrite. */
export interface Answer {
  /** [K] */
  readonly logits: Float32Array;
  /** [H,W,C], [K,H,W,C] for 'logits'; finite: other entries are replaced by 0 and counted. Empty where none was asked for. */
  readonly gradient: Float32Array;
}

const NO_GRADIENT = new Float32Array(0);

/**
 * Evaluates queries in batches: logits and input gradient come from one recorded graph whose inputs are the images and the
 * label rows, so a lazy engine compiles it once per batch shape. Counts what it does.
 */
export class ModelEvaluator {
  readonly classifier: Classifier;
  /** [H, W, C] */
  readonly imageShape: readonly [number, number, number];
  /** The most images in one evaluation. */
  readonly batchSize: number;
  forwardImages = 0;
  backwardImages = 0;
  /** Gradients asked for, and how many of them were zero everywhere or had non-finite entries. */
  gradients = { total: 0, zero: 0, nonFinite: 0 };
  nonFiniteLogits = 0;
  private readonly shapes: BatchShapes;
  /** Batches of images by their rows, filled again and again; null where tensors keep the arrays they are made of. */
  private readonly staging: Map<number, Float32Array<ArrayBuffer>> | null;

  constructor(classifier: Classifier, imageShape: readonly [number, number, number], batchSize?: number) {
    this.classifier = classifier;
    this.imageShape = imageShape;
    const pixels = imageShape[0] * imageShape[1] * imageShape[2];
    this.batchSize = batchSize ?? defaultBatchSize(pixels);
    this.shapes = new BatchShapes(pixels);
    this.staging = tensorsCopyValues() ? new Map() : null;
  }

  /**
   * Answers in the order of the queries, at most `batchSize`, all with the same `loss`. Throws 'bad-model' for a model that
   * does not return [B,K]. Leaves no tensor behind.
   */
  async evaluate(queries: readonly Query[]): Promise<Answer[]> {
    const { loss } = queries[0];
    const rows = this.shapes.rowsFor(`${loss}`, queries.length);
    const images = this.imagesOf(queries, rows);
    const outputs: tf.Tensor[] = [];
    try {
      if (loss === null) outputs.push(tf.tidy(() => this.classifier(images)));
      else if (loss === 'logits') outputs.push(...this.logitsAndJacobian(images));
      else outputs.push(...this.logitsAndGradient(images, loss, queries, rows));
      const [logits, gradients] = (await Promise.all(
        outputs.map((tensor) => tensor.data()),
      )) as Float32Array[];
      this.forwardImages += queries.length;
      if (gradients) this.backwardImages += queries.length * (loss === 'logits' ? logits.length / rows : 1);
      return queries.map((_, i) => this.answer(i, rows, logits, gradients));
    } finally {
      tf.dispose([images, ...outputs]);
    }
  }

  private imagesOf(queries: readonly Query[], rows: number): tf.Tensor4D {
    const values = stack(queries, (query) => query.image, rows, this.staging?.get(rows));
    this.staging?.set(rows, values);
    return tf.tensor4d(values, [rows, ...this.imageShape]);
  }

  private logitsAndGradient(
    images: tf.Tensor4D,
    loss: LossName,
    queries: readonly Query[],
    rows: number,
  ): tf.Tensor[] {
    let logits: tf.Tensor2D | undefined;
    try {
      return tf.tidy(() => {
        const rowTensor = (row: (query: Query) => Float32Array | undefined) =>
          row(queries[0]) && tf.tensor2d(stack(queries, row, rows), [rows, row(queries[0])!.length]);
        const labels = rowTensor((query) => query.label)!;
        const targets = rowTensor((query) => query.target);
        const gradient = tf.grad((inputs: tf.Tensor) => {
          logits = tf.keep(this.classifier(inputs as tf.Tensor4D));
          return tf.sum(attackLoss(loss, logits, labels, targets));
        })(images);
        return [logits!, gradient];
      });
    } catch (error) {
      if (logits && isUnconnected(error)) return [logits, tf.zerosLike(images)];
      logits?.dispose();
      throw asNoGradient(error) ?? error;
    }
  }

  /**
   * Logits [B,K] and their gradients [B,K,H,W,C] from one forward pass: while gradients are nested tfjs keeps one tape, so
   * the inner ones start from the logits that the outer one has recorded.
   */
  private logitsAndJacobian(images: tf.Tensor4D): tf.Tensor[] {
    let logits: tf.Tensor | undefined;
    let jacobian: tf.Tensor | undefined;
    try {
      tf.tidy(() => {
        tf.grad((inputs: tf.Tensor) => {
          const output: tf.Tensor = this.classifier(inputs as tf.Tensor4D);
          logits = tf.keep(output);
          jacobian = tf.keep(jacobianOf(output, inputs));
          return tf.sum(inputs);
        })(images);
      });
    } catch (error) {
      logits?.dispose();
      throw asNoGradient(error) ?? error;
    }
    return [logits!, jacobian!];
  }

  private answer(
    index: number,
    rows: number,
    logits: Float32Array,
    gradients: Float32Array | undefined,
  ): Answer {
    const classes = logits.length / rows;
    const row = logits.subarray(index * classes, (index + 1) * classes);
    if (!isFiniteRow(row)) this.nonFiniteLogits++;
    if (!gradients) return { logits: row, gradient: NO_GRADIENT };
    const size = gradients.length / rows;
    const gradient = gradients.subarray(index * size, (index + 1) * size);
    this.inspectGradient(gradient);
    return { logits: row, gradient };
  }

  private inspectGradient(gradient: Float32Array): void {
    let anyNonZero = false;
    let anyNonFinite = false;
    for (let i = 0; i < gradient.length; i++) {
      const value = gradient[i];
      if (value - value !== 0) {
        anyNonFinite = true;
        gradient[i] = 0;
      } else if (value !== 0) anyNonZero = true;
    }
    this.gradients.total++;
    if (anyNonFinite) this.gradients.nonFinite++;
    else if (!anyNonZero) this.gradients.zero++;
  }
}

/** NaN and the infinities are the numbers that differ from themselves by something else than 0. */
function isFiniteRow(row: Float32Array): boolean {
  for (let i = 0; i < row.length; i++) if (row[i] - row[i] !== 0) return false;
  return true;
}

/** tfjs refuses to differentiate a model whose output does not depend on its input; its gradient is zero. */
function isUnconnected(error: unknown): boolean {
  return (
    error instanceof Error && error.message.startsWith('Cannot compute gradient of y=f(x) with respect to x')
  );
}

/** The error for a model with an operation that tfjs cannot differentiate, if that is what happened. */
function asNoGradient(error: unknown): RevatError | null {
  const kernel = error instanceof Error && /gradient function not found for (\w+)/.exec(error.message)?.[1];
  if (!kernel) return null;
  return new RevatError(
    'bad-model',
    `model: its operation ${kernel} has no gradient in tfjs, so only square can attack it.`,
    { cause: error, details: { reason: 'no-gradient', kernel } },
  );
}

/** About 2 MB of input: small images want large batches, 224 x 224 pixels want 8 (more gains nothing and costs memory). */
function defaultBatchSize(pixels: number): number {
  return Math.max(8, Math.min(128, 2 ** Math.floor(Math.log2(2 ** 19 / pixels))));
}

/** The gradient of every logit with respect to the inputs it was recorded from: [B,K,H,W,C]. */
function jacobianOf(logits: tf.Tensor, inputs: tf.Tensor): tf.Tensor {
  const [rows, classes] = logits.shape;
  const gradients = Array.from({ length: classes }, (_, k) => {
    const column = Float32Array.from({ length: rows * classes }, (_entry, i) => Number(i % classes === k));
    try {
      return tf.grad(() => logits)(inputs, tf.tensor2d(column, [rows, classes]));
    } catch (error) {
      if (isUnconnected(error)) return tf.zerosLike(inputs);
      throw error;
    }
  });
  return tf.stack(gradients, 1);
}

/** Whether the backend copies what a tensor is made of, so that the array is free again: found out by trying. */
function tensorsCopyValues(): boolean {
  const values = new Float32Array([0]);
  const tensor = tf.tensor1d(values);
  values[0] = 1;
  const [kept] = tensor.dataSync();
  tensor.dispose();
  return kept === 0;
}

/** Rows of the queries one after another, the first repeated to fill the batch; in `stacked` if that is given. */
function stack(
  queries: readonly Query[],
  row: (query: Query) => Float32Array | undefined,
  rows: number,
  stacked = new Float32Array(rows * row(queries[0])!.length),
): Float32Array<ArrayBuffer> {
  const size = stacked.length / rows;
  for (let i = 0; i < rows; i++) stacked.set(row(queries[i] ?? queries[0])!, i * size);
  return stacked;
}

/** Pixels evaluated in vain that cost about as much as a plan for another batch size. */
const PLAN_COST = 2 ** 21;

/**
 * Chooses how many rows to evaluate for a number of queries. Every batch size costs an engine a plan, so a shrinking batch
 * is padded to a size that was used before, until the padding has cost as much as a plan of the right size.
 */
class BatchShapes {
  private readonly pixels: number;
  private readonly kinds = new Map<string, { readonly sizes: Set<number>; wasted: number }>();

  constructor(pixels: number) {
    this.pixels = pixels;
  }

  rowsFor(kind: string, count: number): number {
    const state = this.kinds.get(kind) ?? { sizes: new Set<number>(), wasted: 0 };
    this.kinds.set(kind, state);
    const padded = Math.min(...[...state.sizes].filter((size) => size >= count));
    state.wasted += (padded - count) * this.pixels;
    if (state.wasted <= PLAN_COST) return padded;
    state.wasted = 0;
    state.sizes.add(count);
    return count;
  }
}
