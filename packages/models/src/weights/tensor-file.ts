import type { ChannelStatistics } from '../normalization.js';
import type { ReusableBuffer } from './byte-source.js';
import type { DType, NamedTensor } from './dtype.js';

/** What is known of a stored tensor before its values are read. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** An open weight file of any format: shapes are known, values are read when asked for. */
export interface TensorFile {
  /** Path, URL or other name of the source. */
  readonly name: string;
  /** Where in a PyTorch file the tensors were found, e.g. 'state_dict'; '' for the top level and for safetensors. */
  readonly section: string;
  /** All places of the file that hold tensors. */
  readonly sections: readonly string[];
  /** Mean and standard deviation that a config.json beside the file names, if there is one. */
  readonly normalization: ChannelStatistics | undefined;
  /** Names in the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The strings stored beside the tensors (safetensors `__metadata__`; empty for PyTorch files). */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Values of one tensor, row-major in its shape. PyTorch tensors that share a storage may share memory here too, so
   * treat the values as read-only. With `reuse` they may lie there, and are valid until its next use. Throws
   * 'invalid-file' for broken content.
   */
  read(name: string, reuse?: ReusableBuffer): Promise<NamedTensor>;
  /**
   * Checks the content of these tensors against the file's checksums, where its format has some, so that a damaged
   * file is refused before anything is changed. Throws 'invalid-file'.
   */
  verify(names: Iterable<string>): Promise<void>;
  /** Releases the file. */
  close(): Promise<void>;
}
