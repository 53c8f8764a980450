/** A batch of a loader. The arrays belong to the receiver. */
export interface Batch {
  /** [B, S, S, 3] float32. In [0, 1], except where random erasing wrote its noise. */
  readonly images: Float32Array;
  readonly shape: [number, number, number, number];
  /** [B] class indices; of mixed images, those of the first image. */
  readonly labels: Int32Array;
  /** [B, K] soft targets, rows sum to 1; present when the augmentation mixes images or smooths labels. */
  readonly targets?: Float32Array;
  /** [B] sample ids. */
  readonly sampleIds: Float64Array;
}
