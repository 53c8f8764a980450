/** ONNX Runtime's execution providers that its npm packages can hold; 'wasm' stands for the processor in browsers. */
export const PROVIDER_NAMES = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'dml', 'coreml', 'wasm'] as const;

export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** What a probe of an execution provider found. */
export interface ProviderProbe {
  readonly provider: ProviderName;
  /** It opened, computed the probe network and agreed with the processor. */
  readonly usable: boolean;
  /** Why not. */
  readonly reason?: string;
  /** What to do about it. */
  readonly advice?: string;
  /** Largest difference from the processor's result in the probe network, relative to its largest value. */
  readonly error?: number;
}

/** A usable provider may differ from the processor by this much: float32 in another order, not half precision. */
export const PROBE_TOLERANCE = 1e-3;
