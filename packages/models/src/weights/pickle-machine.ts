import { findGlobal, opaqueGlobal } from './pickle-globals.js';
import { AllowedGlobal, PickleError, PickleTruncated, type PickleValue } from './pickle-value.js';

export interface UnpickleOptions {
  /** Where in the bytes the pickle starts; 0 by default. */
  readonly start?: number;
  /** Meaning of a persistent id: PyTorch's storages. Without it a pickle that has one is refused. */
  readonly persistentLoad?: (id: PickleValue) => PickleValue;
  /** Further classes, by their full names, to read as objects without content. */
  readonly opaqueClasses?: ReadonlySet<string>;
}

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** The state of an unpickling: position, stack, marks and memo, with every access checked. */
export class PickleMachine {
  at: number;
  stopped = false;
  readonly stack: PickleValue[] = [];
  readonly memo = new Map<number, PickleValue>();
  readonly options: UnpickleOptions;
  private readonly marks: number[] = [];
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private allowance: number;

  constructor(bytes: Uint8Array, options: UnpickleOptions) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.options = options;
    this.at = options.start ?? 0;
    this.allowance = 1_000_000 + 4 * bytes.length;
  }

  /** Throws once calls have copied far more than the pickle is long. */
  readonly charge = (amount: number): void => {
    this.allowance -= amount;
    if (this.allowance < 0) throw new PickleError('makes copies of copies without end');
  };

  byte(): number {
    return this.bytes[this.take(1)];
  }

  /** Little-endian unsigned integer; more than 2^53 is never a length that fits. */
  unsigned(width: 1 | 2 | 4 | 8): number {
    const start = this.take(width);
    if (width === 1) return this.bytes[start];
    if (width === 2) return this.view.getUint16(start, true);
    if (width === 4) return this.view.getUint32(start, true);
    return Number(this.view.getBigUint64(start, true));
  }

  signed32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  float64(): number {
    return this.view.getFloat64(this.take(8), false);
  }

  raw(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  text(length: number): string {
    return DECODER.decode(this.raw(length));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new PickleTruncated('ends in the middle of its pickle');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    if (this.stack.length <= this.floor())
      throw new PickleError('takes more from its stack than it put there');
    return this.stack.pop() as PickleValue;
  }

  top(): PickleValue {
    if (this.stack.length <= this.floor())
      throw new PickleError('takes more from its stack than it put there');
    return this.stack[this.stack.length - 1];
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  /** Takes everything since the last mark. */
  popToMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw new PickleError('refers to a mark that it never set');
    return this.stack.splice(mark);
  }

  /** The topmost mark, if nothing lies above it. */
  popMarkIfBare(): boolean {
    const bare = this.marks.length > 0 && this.floor() === this.stack.length;
    if (bare) this.marks.pop();
    return bare;
  }

  tuple(length: number): PickleValue[] {
    if (this.stack.length - length < this.floor())
      throw new PickleError('takes more from its stack than it put there');
    return this.stack.splice(this.stack.length - length);
  }

  get(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw new PickleError(`refers to memo entry ${index}, which it never made`);
    return value;
  }

  global(module: string, name: string): AllowedGlobal {
    const full = `${module}.${name}`;
    const known = findGlobal(module, name);
    if (known !== undefined) return known;
    if (this.options.opaqueClasses?.has(full)) return opaqueGlobal(full);
    if (/^torch\.\w*Storage$/.test(full)) {
      throw new PickleError(
        `holds values of the unsupported type ${full}`,
        'Convert them to float32 in PyTorch',
      );
    }
    throw new PickleError(
      `refers to ${printable(full)}, which no checkpoint of weights needs; nothing was run`,
      'If you trust its source, save model.state_dict() alone in PyTorch and load that',
    );
  }

  call(target: PickleValue, args: PickleValue): PickleValue {
    if (!(target instanceof AllowedGlobal) || target.call === undefined) {
      throw new PickleError('calls something that is not a function');
    }
    if (!Array.isArray(args))
      throw new PickleError(`calls ${target.name} with something that is no argument list`);
    return target.call(args, this.charge);
  }

  private floor(): number {
    return this.marks.length === 0 ? 0 : this.marks[this.marks.length - 1];
  }

  private take(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw new PickleTruncated('ends in the middle of its pickle');
    this.at += length;
    return start;
  }
}

/** At most 100 characters of text from a file, fit for a message. */
export function printable(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text).slice(1, -1);
}
