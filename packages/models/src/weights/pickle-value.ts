import type { DType } from './dtype.js';

/** What a pickle of a checkpoint can hold here: plain data, never anything callable from the file's side. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | StoredStorage
  | StoredTensor
  | AllowedGlobal
  | OpaqueObject;

/** A storage that the pickle refers to by key; its bytes lie elsewhere in the file. */
export class StoredStorage {
  readonly key: string;
  readonly dtype: DType | 'untyped';
  /** Elements; bytes where the dtype is 'untyped'. */
  readonly length: number;
  /** First element, where this is a window into a longer storage (legacy files). */
  readonly start: number;

  constructor(key: string, dtype: DType | 'untyped', length: number, start = 0) {
    this.key = key;
    this.dtype = dtype;
    this.length = length;
    this.start = start;
  }
}

/** A tensor as the pickle describes it: sizes and strides are as found, unchecked until somebody wants the tensor. */
export class StoredTensor {
  readonly storage: StoredStorage;
  readonly offset: PickleValue;
  readonly shape: PickleValue;
  readonly strides: PickleValue;
  /** Given where the storage is untyped. */
  readonly dtype: DType | undefined;

  constructor(
    storage: StoredStorage,
    offset: PickleValue,
    shape: PickleValue,
    strides: PickleValue,
    dtype: DType | undefined,
  ) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
    this.dtype = dtype;
  }
}

/** An object whose class is known to be harmless and is of no interest: it keeps nothing and does nothing. */
export class OpaqueObject {
  readonly className: string;

  constructor(className: string) {
    this.className = className;
  }
}

/** Charges work that is not bounded by the length of the pickle itself; throws when the pickle asks for too much. */
export type Charge = (amount: number) => void;

/** A name that a pickle may refer to, with our own meaning of it. */
export class AllowedGlobal {
  readonly name: string;
  /** What calling it yields; absent for names that are only ever passed on, such as dtypes. */
  readonly call: ((args: readonly PickleValue[], charge: Charge) => PickleValue) | undefined;
  /** Set for torch.FloatStorage and the like, and for torch.float32 and the like. */
  readonly dtype: DType | 'untyped' | undefined;

  constructor(name: string, call?: AllowedGlobal['call'], dtype?: DType | 'untyped') {
    this.name = name;
    this.call = call;
    this.dtype = dtype;
  }
}

/** Thrown inside the unpickler; whoever knows the file turns it into a RevatError, with the advice. */
export class PickleError extends Error {
  readonly advice: string;

  constructor(message: string, advice = 'The file is damaged; fetch or save it again') {
    super(message);
    this.advice = advice;
  }
}

/** The pickle goes on beyond the bytes at hand. */
export class PickleTruncated extends PickleError {}
