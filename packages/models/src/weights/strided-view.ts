import { PickleError, type PickleValue, type StoredTensor } from './pickle-value.js';
import { bytesPerElement, elementCount, viewAs, type DType, type NamedTensor } from './dtype.js';

/** A tensor of a checkpoint whose sizes, strides and reach into its storage were checked. */
export interface StridedView {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** First element, from the start of the storage. */
  readonly offset: number;
  readonly count: number;
  /** Row-major without gaps: its values can be viewed in place. */
  readonly contiguous: boolean;
}

/** Checks a tensor's description against its storage. Throws PickleError. */
export function checkView(tensor: StoredTensor): StridedView {
  const { storage } = tensor;
  const dtype = storage.dtype === 'untyped' ? tensor.dtype : storage.dtype;
  if (dtype === undefined) throw new PickleError('has no dtype');
  const shape = wholeNumbers(tensor.shape, 'shape');
  const strides = wholeNumbers(tensor.strides, 'stride');
  const [offset] = wholeNumbers([tensor.offset], 'storage offset');
  if (strides.length !== shape.length) throw new PickleError('has not as many strides as dimensions');
  const count = elementCount(shape);
  if (count === undefined) throw new PickleError(`has the impossible shape [${shape}]`);
  const elements =
    storage.dtype === 'untyped' ? Math.floor(storage.length / bytesPerElement(dtype)) : storage.length;
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], storage.start + offset);
  if (count > 0 && !(last < elements)) {
    throw new PickleError(`reads value ${last} of a storage of ${elements}: it lies outside its storage`);
  }
  return {
    dtype,
    shape,
    strides,
    offset: storage.start + offset,
    count,
    contiguous: isContiguous(shape, strides),
  };
}

/** Values of a view, row-major: in place where they lie so already, else gathered into an array of their own. */
export function readView(view: StridedView, storage: Uint8Array): NamedTensor {
  const { dtype, shape, count, offset } = view;
  const width = bytesPerElement(dtype);
  if (count === 0) return { dtype, shape, data: viewAs(dtype, new Uint8Array()) };
  if (view.contiguous) {
    return { dtype, shape, data: viewAs(dtype, storage.subarray(offset * width, (offset + count) * width)) };
  }
  const bytes = new Uint8Array(count * width);
  gather(view, storage, bytes, width);
  return { dtype, shape, data: viewAs(dtype, bytes) };
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** Walks the index like an odometer, last axis fastest. */
function gather(
  { shape, strides, offset, count }: StridedView,
  from: Uint8Array,
  to: Uint8Array,
  width: number,
): void {
  const index = new Array<number>(shape.length).fill(0);
  let position = offset;
  for (let element = 0; element < count; element++) {
    for (let byte = 0; byte < width; byte++) to[element * width + byte] = from[position * width + byte];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += strides[axis];
      if (++index[axis] < shape[axis]) break;
      position -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

function wholeNumbers(values: PickleValue, what: string): number[] {
  const valid =
    Array.isArray(values) && values.every((value) => Number.isSafeInteger(value) && Number(value) >= 0);
  if (!valid) throw new PickleError(`has an impossible ${what}`);
  return values as number[];
}
