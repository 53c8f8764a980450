import fc from 'fast-check';

/** Numbers that readers trip over: signs, powers of two, limits of the integer widths. */
const LANDMARKS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 2 ** 40, 2 ** 53, -1];

type Mutation = (bytes: Uint8Array) => Uint8Array;

/** A share of the length, so that a mutation fits files of any size and shrinks well. */
const place = fc.noBias(fc.integer({ min: 0, max: 2 ** 30 - 1 })).map((at) => at / 2 ** 30);

const flip: fc.Arbitrary<Mutation> = fc
  .tuple(place, fc.integer({ min: 0, max: 7 }))
  .map(([at, bit]) => (bytes) => {
    const copy = bytes.slice();
    copy[index(at, copy)] ^= 1 << bit;
    return copy;
  });

const overwrite: fc.Arbitrary<Mutation> = fc
  .tuple(place, fc.constantFrom(...LANDMARKS), fc.constantFrom(1, 2, 4, 8))
  .map(([at, value, width]) => (bytes) => {
    const copy = bytes.slice();
    const little = new DataView(new ArrayBuffer(8));
    little.setBigInt64(0, BigInt(value), true);
    for (let i = 0, start = index(at, copy); i < width && start + i < copy.length; i++)
      copy[start + i] = little.getUint8(i);
    return copy;
  });

const remove: fc.Arbitrary<Mutation> = fc.tuple(place, fc.integer({ min: 1, max: 64 })).map(
  ([at, count]) =>
    (bytes) =>
      splice(bytes, index(at, bytes), count, new Uint8Array()),
);

const insert: fc.Arbitrary<Mutation> = fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 16 })).map(
  ([at, added]) =>
    (bytes) =>
      splice(bytes, index(at, bytes), 0, added),
);

const repeat: fc.Arbitrary<Mutation> = fc
  .tuple(place, fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20 }))
  .map(([at, count, times]) => (bytes) => {
    const start = index(at, bytes);
    const part = bytes.subarray(start, start + count);
    const repeated = new Uint8Array(part.length * times);
    for (let i = 0; i < times; i++) repeated.set(part, i * part.length);
    return splice(bytes, start, 0, repeated);
  });

const truncate: fc.Arbitrary<Mutation> = place.map((at) => (bytes) => bytes.slice(0, index(at, bytes)));

/** One to four changes to a file. */
export const mutations: fc.Arbitrary<Mutation> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: flip },
      { weight: 5, arbitrary: overwrite },
      { weight: 3, arbitrary: remove },
      { weight: 2, arbitrary: insert },
      { weight: 2, arbitrary: repeat },
      { weight: 1, arbitrary: truncate },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((steps) => (bytes) => steps.reduce((current, step) => step(current), bytes));

const TOKENS = [
  '-1',
  '0',
  '1',
  '2.5',
  '1e400',
  '9007199254740993',
  '18446744073709551616',
  'null',
  'true',
  '[]',
  '{}',
];
const WORDS = [
  '"F32"',
  '"F64"',
  '"BOOL"',
  '"I128"',
  '"shape"',
  '"dtype"',
  '"__proto__"',
  '"f32"',
  '"\\u0000"',
  '"\\ud800"',
];

/** One to three tokens of a JSON header replaced by others. */
export const headerMutations: fc.Arbitrary<Mutation> = fc
  .array(fc.tuple(place, fc.constantFrom(...TOKENS, ...WORDS)), { minLength: 1, maxLength: 3 })
  .map((changes) => (bytes) => {
    const parts = Buffer.from(bytes)
      .toString('latin1')
      .split(/("[^"]*"|\d+)/);
    for (const [at, token] of changes) {
      const target = 2 * Math.floor((at * (parts.length - 1)) / 2) + 1;
      if (target < parts.length) parts[target] = token;
    }
    return Buffer.from(parts.join(''), 'latin1');
  });

/** Programs of a pickle machine: random opcodes with operands that mostly make sense. */
export const pickles: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      ...['(', ')', ']', '}', 't', 'l', 'd', 'a', 'e', 's', 'u', '0', '1', '2', 'N', 'R', 'b', 'o', 'Q'].map(
        (opcode) => fc.constant(Buffer.from(opcode)),
      ),
      ...[0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94].map((opcode) =>
        fc.constant(Buffer.from([opcode])),
      ),
      fc
        .tuple(fc.constantFrom('q', 'h', 'K'), fc.nat(9))
        .map(([opcode, slot]) => Buffer.from([opcode.charCodeAt(0), slot])),
      fc
        .constantFrom('storage', 'w', 'model', 'os', '__proto__', 'constructor', '0')
        .map((text) => Buffer.concat([Buffer.from([0x8c, text.length]), Buffer.from(text)])),
      fc
        .constantFrom(
          'collections\nOrderedDict',
          'torch._utils\n_rebuild_tensor_v2',
          'torch._utils\n_rebuild_parameter',
          'torch\nFloatStorage',
          'torch\nSize',
          '__builtin__\nset',
          'builtins\ndict',
          'argparse\nNamespace',
          'os\nsystem',
        )
        .map((name) => Buffer.from(`c${name}\n`)),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.concat([Buffer.from([0x80, 2]), ...parts, Buffer.from('.')]));

function index(at: number, bytes: Uint8Array): number {
  return Math.floor(at * bytes.length);
}

function splice(bytes: Uint8Array, start: number, removed: number, added: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, start), added, bytes.subarray(start + removed)]);
}
