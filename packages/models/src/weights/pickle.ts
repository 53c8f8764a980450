/**
 * An unpickler that can run nothing: names are looked up in our own allow-list only, calls make plain data, and all
 * work is bounded by the length of the pickle. Opcodes as in CPython's pickletools, protocols 0 to 5.
 */
import { PickleMachine, printable, type UnpickleOptions } from './pickle-machine.js';
import { OpaqueObject, PickleError, type PickleValue } from './pickle-value.js';

/** Integers of more bytes than this are no part of a checkpoint; converting them takes quadratic time. */
const MAX_INTEGER_BYTES = 64;
const MAX_INTEGER_DIGITS = 160;

/**
 * Reads one pickle. Returns its value and the offset after its STOP.
 * Throws PickleTruncated if the bytes end too early, PickleError for everything else that is wrong.
 */
export function unpickle(
  bytes: Uint8Array,
  options: UnpickleOptions = {},
): { value: PickleValue; end: number } {
  const machine = new PickleMachine(bytes, options);
  while (!machine.stopped) {
    const opcode = machine.byte();
    const operation = OPERATIONS.get(opcode);
    if (operation === undefined) {
      throw new PickleError(
        `has the unknown pickle opcode 0x${opcode.toString(16)} at byte ${machine.at - 1}`,
      );
    }
    operation(machine);
  }
  return { value: machine.pop(), end: machine.at };
}

type Operation = (machine: PickleMachine) => void;

const OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  // Framing and stack.
  [0x80, protocol],
  [0x95, (m) => void m.unsigned(8)],
  [code('.'), (m) => void (m.stopped = true)],
  [code('('), (m) => m.mark()],
  [code('0'), (m) => void (m.popMarkIfBare() || m.pop())],
  [code('1'), (m) => void m.popToMark()],
  [code('2'), (m) => m.push(m.top())],
  // Constants and numbers.
  [code('N'), (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [code('K'), (m) => m.push(m.unsigned(1))],
  [code('M'), (m) => m.push(m.unsigned(2))],
  [code('J'), (m) => m.push(m.signed32())],
  [code('I'), (m) => m.push(decimalInteger(m.line()))],
  [code('L'), (m) => m.push(decimalInteger(m.line().replace(/L$/, '')))],
  [0x8a, (m) => m.push(binaryInteger(m, m.unsigned(1)))],
  [0x8b, (m) => m.push(binaryInteger(m, m.signed32()))],
  [code('F'), (m) => m.push(Number(m.line()))],
  [code('G'), (m) => m.push(m.float64())],
  // Strings and bytes.
  [code('S'), (m) => m.push(unescape(m.line().replace(/^(['"])(.*)\1$/s, '$2')))],
  [code('V'), (m) => m.push(unescape(m.line()))],
  [code('T'), (m) => m.push(m.text(m.unsigned(4)))],
  [code('U'), (m) => m.push(m.text(m.unsigned(1)))],
  [code('X'), (m) => m.push(m.text(m.unsigned(4)))],
  [0x8c, (m) => m.push(m.text(m.unsigned(1)))],
  [0x8d, (m) => m.push(m.text(m.unsigned(8)))],
  [code('B'), (m) => m.push(m.raw(m.unsigned(4)))],
  [code('C'), (m) => m.push(m.raw(m.unsigned(1)))],
  [0x8e, (m) => m.push(m.raw(m.unsigned(8)))],
  [0x96, (m) => m.push(m.raw(m.unsigned(8)))],
  // Containers.
  [code(')'), (m) => m.push([])],
  [code(']'), (m) => m.push([])],
  [0x8f, (m) => m.push([])],
  [code('}'), (m) => m.push(new Map())],
  [code('t'), (m) => m.push(m.popToMark())],
  [code('l'), (m) => m.push(m.popToMark())],
  [0x91, (m) => m.push(m.popToMark())],
  [0x85, (m) => m.push(m.tuple(1))],
  [0x86, (m) => m.push(m.tuple(2))],
  [0x87, (m) => m.push(m.tuple(3))],
  [code('d'), (m) => m.push(setItems(new Map(), m.popToMark()))],
  [code('a'), (m) => append([m.pop()], m)],
  [code('e'), (m) => append(m.popToMark(), m)],
  [0x90, (m) => append(m.popToMark(), m)],
  [code('s'), (m) => void setItems(m, m.tuple(2))],
  [code('u'), (m) => void setItems(m, m.popToMark())],
  // Memo.
  [code('p'), (m) => void m.memo.set(memoIndex(m.line()), m.top())],
  [code('q'), (m) => void m.memo.set(m.unsigned(1), m.top())],
  [code('r'), (m) => void m.memo.set(m.unsigned(4), m.top())],
  [0x94, (m) => void m.memo.set(m.memo.size, m.top())],
  [code('g'), (m) => m.push(m.get(memoIndex(m.line())))],
  [code('h'), (m) => m.push(m.get(m.unsigned(1)))],
  [code('j'), (m) => m.push(m.get(m.unsigned(4)))],
  // Names and calls.
  [code('c'), (m) => m.push(m.global(m.line(), m.line()))],
  [0x93, stackGlobal],
  [code('R'), (m) => callTop(m, 2)],
  [0x81, (m) => callTop(m, 2)],
  [0x92, (m) => callTop(m, 3)],
  [code('i'), (m) => m.push(m.call(m.global(m.line(), m.line()), m.popToMark()))],
  [code('o'), callFromMark],
  [code('b'), build],
  [code('Q'), (m) => m.push(persistent(m, m.pop()))],
  [code('P'), (m) => m.push(persistent(m, m.line()))],
  [0x82, refuseExtension],
  [0x83, refuseExtension],
  [0x84, refuseExtension],
]);

function code(character: string): number {
  return character.charCodeAt(0);
}

function protocol(m: PickleMachine): void {
  const version = m.byte();
  if (version > 5) throw new PickleError(`uses the unknown pickle protocol ${version}`);
}

function decimalInteger(digits: string): PickleValue {
  if (digits === '00' || digits === '01') return digits === '01';
  if (!/^[+-]?\d+$/.test(digits) || digits.length > MAX_INTEGER_DIGITS) {
    throw new PickleError(`holds the impossible integer ${printable(digits)}`);
  }
  return smallest(BigInt(digits.replace('+', '')));
}

/** Two's complement, little-endian. */
function binaryInteger(m: PickleMachine, length: number): PickleValue {
  if (length < 0 || length > MAX_INTEGER_BYTES) throw new PickleError(`holds an integer of ${length} bytes`);
  let value = 0n;
  m.raw(length).forEach((byte, i) => (value |= BigInt(byte) << BigInt(8 * i)));
  return smallest(BigInt.asIntN(8 * length, value));
}

function smallest(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function memoIndex(line: string): number {
  const index = Number(line);
  if (!Number.isSafeInteger(index) || index < 0)
    throw new PickleError(`has the impossible memo index ${printable(line)}`);
  return index;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function unescape(text: string): string {
  return text.replace(/\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)/gis, (_, escape: string) => {
    if (escape.length === 1) return ESCAPES[escape] ?? escape;
    const code = Number.parseInt(escape.slice(1), 16);
    return String.fromCodePoint(Math.min(code, 0x10ffff));
  });
}

function append(items: PickleValue[], m: PickleMachine): void {
  const list = m.top();
  if (list instanceof OpaqueObject) return;
  if (!Array.isArray(list)) throw new PickleError('appends to something that is not a list');
  for (const item of items) list.push(item);
}

function setItems(target: PickleMachine | Map<PickleValue, PickleValue>, items: PickleValue[]): PickleValue {
  const dict = target instanceof Map ? target : target.top();
  if (dict instanceof OpaqueObject) return dict;
  if (!(dict instanceof Map)) throw new PickleError('sets entries of something that is not a dict');
  if (items.length % 2 !== 0) throw new PickleError('sets a dict entry without a value');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  return dict;
}

function stackGlobal(m: PickleMachine): void {
  const [module, name] = m.tuple(2);
  if (typeof module !== 'string' || typeof name !== 'string')
    throw new PickleError('names a global by something that is not text');
  m.push(m.global(module, name));
}

/** REDUCE and NEWOBJ: target, arguments. NEWOBJ_EX: target, arguments, keyword arguments, which nothing allowed takes. */
function callTop(m: PickleMachine, operands: 2 | 3): void {
  const [target, args] = m.tuple(operands);
  m.push(m.call(target, args));
}

function callFromMark(m: PickleMachine): void {
  const [target, ...args] = m.popToMark();
  m.push(m.call(target, args));
}

/** Attributes set on an object (such as a state dict's _metadata) are dropped: no method is ever called. */
function build(m: PickleMachine): void {
  m.pop();
  const target = m.top();
  if (target === null || typeof target !== 'object')
    throw new PickleError('sets attributes of something that has none');
}

function persistent(m: PickleMachine, id: PickleValue): PickleValue {
  if (m.options.persistentLoad === undefined) throw new PickleError('refers to data outside itself');
  return m.options.persistentLoad(id);
}

function refuseExtension(): never {
  throw new PickleError("uses Python's extension registry, which no checkpoint does");
}
