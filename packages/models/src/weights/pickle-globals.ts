/**
 * The only names that a pickle may refer to, each with our own meaning. Nothing is ever looked up or run by name;
 * everything else is refused. The list follows what torch.load(weights_only=True) allows, plus a few classes that
 * training scripts leave in their checkpoints and that are read as objects without content.
 */
import type { DType } from './dtype.js';
import {
  AllowedGlobal,
  OpaqueObject,
  PickleError,
  StoredStorage,
  StoredTensor,
  type Charge,
  type PickleValue,
} from './pickle-value.js';

const STORAGE_TYPES: ReadonlyArray<readonly [string, DType]> = [
  ['DoubleStorage', 'F64'],
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
];

const DTYPES: ReadonlyArray<readonly [string, DType]> = [
  ['float64', 'F64'],
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
  ['int64', 'I64'],
  ['int32', 'I32'],
  ['int16', 'I16'],
  ['int8', 'I8'],
  ['uint64', 'U64'],
  ['uint32', 'U32'],
  ['uint16', 'U16'],
  ['uint8', 'U8'],
  ['bool', 'BOOL'],
  ['float8_e4m3fn', 'F8_E4M3'],
  ['float8_e5m2', 'F8_E5M2'],
];

/** Classes that checkpoints carry beside the weights; read as objects without content. */
const OPAQUE_CLASSES = [
  'argparse.Namespace',
  'types.SimpleNamespace',
  'pathlib.Path',
  'pathlib.PosixPath',
  'pathlib.WindowsPath',
  'pathlib.PurePosixPath',
  'pathlib.PureWindowsPath',
  'pathlib._local.PosixPath',
  'pathlib._local.WindowsPath',
  'datetime.datetime',
  'datetime.timedelta',
  'builtins.complex',
  'builtins.range',
  'builtins.slice',
  'numpy.dtype',
  'numpy.ndarray',
  'numpy.core.multiarray.scalar',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray.scalar',
  'numpy._core.multiarray._reconstruct',
  'torch.device',
  'torch.Generator',
  'torch.serialization._get_layout',
];

const ALLOWED = new Map<string, AllowedGlobal>();

function allow(name: string, call?: AllowedGlobal['call'], dtype?: DType | 'untyped'): void {
  ALLOWED.set(name, new AllowedGlobal(name, call, dtype));
}

for (const [type, dtype] of STORAGE_TYPES) allow(`torch.${type}`, undefined, dtype);
for (const [type, dtype] of DTYPES) allow(`torch.${type}`, undefined, dtype);
allow('torch.storage.UntypedStorage', undefined, 'untyped');
for (const name of OPAQUE_CLASSES) ALLOWED.set(name, opaqueGlobal(name));
allow('torch._utils._rebuild_tensor', rebuildTensor);
allow('torch._utils._rebuild_tensor_v2', rebuildTensor);
allow('torch._utils._rebuild_tensor_v3', rebuildTensorWithDType);
allow('torch._utils._rebuild_parameter', ([tensor]) => expectTensor(tensor));
allow('torch._utils._rebuild_parameter_with_state', ([tensor]) => expectTensor(tensor));
allow('torch.nn.parameter.Parameter', ([tensor]) => expectTensor(tensor));
allow('torch.Size', ([sizes]) => sizes ?? []);
allow('collections.OrderedDict', ([pairs], charge) => dictionary(pairs, charge));
allow('collections.Counter', ([pairs], charge) => dictionary(pairs, charge));
allow('collections.defaultdict', ([, pairs], charge) => dictionary(pairs, charge));
allow('builtins.dict', ([pairs], charge) => dictionary(pairs, charge));
for (const name of ['list', 'tuple', 'set', 'frozenset']) allow(`builtins.${name}`, ([items]) => items ?? []);
for (const name of ['int', 'float', 'bool', 'str']) allow(`builtins.${name}`, ([value]) => value ?? null);
allow('builtins.bytearray', ([content]) => content ?? new Uint8Array());
allow('_codecs.encode', ([text]) => text ?? null);

/** The meaning of module.name, or undefined where a pickle has no business with it. */
export function findGlobal(module: string, name: string): AllowedGlobal | undefined {
  return ALLOWED.get(`${module === '__builtin__' ? 'builtins' : module}.${name}`);
}

/** A class that is read as an object without content. */
export function opaqueGlobal(name: string): AllowedGlobal {
  return new AllowedGlobal(name, () => new OpaqueObject(name));
}

/** (storage, storage_offset, size, stride, requires_grad, backward_hooks, ...) */
function rebuildTensor([storage, offset, shape, strides]: readonly PickleValue[]): StoredTensor {
  return new StoredTensor(expectStorage(storage), offset, shape, strides, undefined);
}

/** (storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype, ...) */
function rebuildTensorWithDType(args: readonly PickleValue[]): StoredTensor {
  const [storage, offset, shape, strides, , , dtype] = args;
  if (!(dtype instanceof AllowedGlobal) || dtype.dtype === undefined || dtype.dtype === 'untyped') {
    throw new PickleError('rebuilds a tensor without a dtype');
  }
  return new StoredTensor(expectStorage(storage), offset, shape, strides, dtype.dtype);
}

function expectStorage(value: PickleValue | undefined): StoredStorage {
  if (value instanceof StoredStorage) return value;
  throw new PickleError('rebuilds a tensor from something that is not a storage');
}

function expectTensor(value: PickleValue | undefined): StoredTensor {
  if (value instanceof StoredTensor) return value;
  throw new PickleError('makes a parameter of something that is not a tensor');
}

/** dict(pairs), where pairs is a dict or a list of [key, value]. */
function dictionary(pairs: PickleValue | undefined, charge: Charge): Map<PickleValue, PickleValue> {
  if (pairs === undefined || pairs === null) return new Map();
  if (pairs instanceof Map) {
    charge(pairs.size);
    return new Map(pairs);
  }
  if (!Array.isArray(pairs)) throw new PickleError('makes a dict of something that is not a list of pairs');
  charge(pairs.length);
  return new Map(
    pairs.map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2)
        throw new PickleError('makes a dict of something that is not pairs');
      return [pair[0], pair[1]];
    }),
  );
}
