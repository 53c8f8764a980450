/** Finds which tensor of a file is which parameter of a model: wrappers, normalisers and foreign names. */
import { KEY_MAPS } from './key-maps/index.js';
import type { TensorInfo } from './tensor-file.js';

/** A tensor of the file, or one of several equal parts of it along the first axis. */
export interface TensorPart {
  readonly name: string;
  readonly part: number;
  readonly parts: number;
  readonly shape: readonly number[];
}

export interface KeyMatch {
  /** timm's name -> tensor of the file, for all tensors that are weights. */
  readonly renamed: ReadonlyMap<string, TensorPart>;
  /** Prefix that wrappers had put before all names, e.g. 'module.model.'; '' if none. */
  readonly prefix: string;
  /** The naming that was understood, 'timm' if no other. */
  readonly naming: string;
  /** Tensors of a normalisation layer around the network. */
  readonly normalizer: { readonly mean: string; readonly std: string } | undefined;
  /** Tensors that hold no weights: index tables, batch counters, copies inside an attack. */
  readonly ignored: readonly string[];
}

/** What wrappers put before the names: DDP, torch.compile, the paper's attack wrapper, a normaliser's inner model, EMA. */
const WRAPPER_PREFIXES = [
  'module.',
  '_orig_mod.',
  'base_model.',
  'model.',
  'net.',
  'network.',
  'backbone.',
  '1.',
];
/** A prefix is a wrapper's if all names but this share of strays have it. */
const STRAYS = 0.1;
const NORMALIZER =
  /^(?:(?:normali[sz]er?|normali[sz]ation|normali[sz]e_layer|norm_layer|0)\.)?(?:new_)?(mean|std|mu|sigma)$/;
/** Tables that newer versions compute, and counters that evaluation never reads. */
const NO_WEIGHTS = /(?:^|\.)(?:relative_position_index|attn_mask|num_batches_tracked)$/;
/** robustness (Madry) keeps a second copy of everything inside its attacker. */
const ATTACKER_COPY = /^attacker\./;

/** Matches names only; shapes are compared by the caller. */
export function matchKeys(
  tensors: ReadonlyMap<string, TensorInfo>,
  modelNames: ReadonlySet<string>,
): KeyMatch {
  const ignored: string[] = [];
  const normalizers = new Map<string, string>();
  let names = new Map([...tensors.keys()].map((name) => [name, name]));
  let prefix = '';
  for (;;) {
    names = setAside(names, modelNames, normalizers, ignored);
    const wrapper = findWrapper([...names.keys()], modelNames);
    if (wrapper === undefined) break;
    prefix += wrapper;
    names = new Map([...names].map(([name, original]) => [unwrap(name, wrapper), original]));
  }
  const mean = normalizers.get('mean');
  const std = normalizers.get('std');
  return {
    ...rename(names, modelNames, tensors),
    prefix,
    normalizer: mean !== undefined && std !== undefined ? { mean, std } : undefined,
    ignored,
  };
}

/** Keeps the names that may be weights; normalisers and what holds no weights go where they belong. */
function setAside(
  names: ReadonlyMap<string, string>,
  modelNames: ReadonlySet<string>,
  normalizers: Map<string, string>,
  ignored: string[],
): Map<string, string> {
  const kept = new Map<string, string>();
  for (const [name, original] of names) {
    const statistic = modelNames.has(name) ? undefined : NORMALIZER.exec(name)?.[1];
    if (statistic !== undefined)
      normalizers.set(statistic === 'mu' ? 'mean' : statistic === 'sigma' ? 'std' : statistic, original);
    else if (!modelNames.has(name) && (NO_WEIGHTS.test(name) || ATTACKER_COPY.test(name)))
      ignored.push(original);
    else kept.set(name, original);
  }
  return kept;
}

function findWrapper(names: readonly string[], modelNames: ReadonlySet<string>): string | undefined {
  const known = [...modelNames];
  return WRAPPER_PREFIXES.find((prefix) => {
    if (known.some((name) => name.startsWith(prefix))) return false;
    const wrapped = names.filter((name) => name.startsWith(prefix)).length;
    return wrapped > 0 && wrapped >= (1 - STRAYS) * names.length;
  });
}

function unwrap(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function rename(
  names: ReadonlyMap<string, string>,
  modelNames: ReadonlySet<string>,
  tensors: ReadonlyMap<string, TensorInfo>,
): Pick<KeyMatch, 'renamed' | 'naming'> {
  const fileNames = new Set(names.keys());
  const maps = KEY_MAPS.filter((map) => map.applies(fileNames, modelNames));
  const renamed = new Map<string, TensorPart>();
  for (const [name, original] of names) {
    const results = maps.length === 0 ? name : maps[0].rename(name);
    const targets = typeof results === 'string' ? [results] : results;
    const [first = 1, ...rest] = tensors.get(original)?.shape ?? [];
    targets.forEach((target, part) => {
      const shape =
        targets.length === 1 ? (tensors.get(original)?.shape ?? []) : [first / targets.length, ...rest];
      renamed.set(target, { name: original, part, parts: targets.length, shape });
    });
  }
  return { renamed, naming: maps[0]?.name ?? 'timm' };
}
