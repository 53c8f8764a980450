/** Finds the weights inside the nested dicts that training scripts save. */
import { RevatError } from '@revat/core';
import { StoredTensor, type PickleValue } from './pickle-value.js';

/** Which of several state dicts in a checkpoint is meant. */
export interface SectionChoice {
  /** The averaged (EMA) weights instead of the raw ones. Default false; a file that holds only EMA weights needs no choice. */
  readonly ema?: boolean;
  /** The exact place, e.g. 'model' or 'ema.module', where the file holds more than is recognised. */
  readonly section?: string;
}

/** A dict that holds tensors, and where it was found: keys joined by dots, '' for the top level. */
export interface Section {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const RAW_NAMES = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'net',
  'network',
  'module',
  'params',
  'weights',
];
const EMA_NAMES = [
  'state_dict_ema',
  'model_ema_state_dict',
  'model_state_dict_ema',
  'ema_state_dict',
  'ema_model_state_dict',
  'model_ema',
  'ema_model',
  'ema',
  'params_ema',
];
/** Weights lie at most this deep, e.g. checkpoint -> 'ema' -> 'module'. */
const DEEPEST = 4;

type Kind = 'raw' | 'ema' | 'top' | 'other';

/** All dicts that hold tensors directly, each found once however often it is referred to. */
export function findSections(root: PickleValue): Section[] {
  const sections: Section[] = [];
  const seen = new Set<PickleValue>();
  const visit = (value: PickleValue, path: readonly string[]): void => {
    if (!(value instanceof Map) || seen.has(value)) return;
    seen.add(value);
    const tensors = new Map<string, StoredTensor>();
    for (const [key, entry] of value) {
      if (typeof key !== 'string') continue;
      if (entry instanceof StoredTensor) tensors.set(key, entry);
      else if (path.length < DEEPEST) visit(entry, [...path, key]);
    }
    if (tensors.size > 0) sections.push({ path: path.join('.'), tensors });
  };
  visit(root, []);
  return sections;
}

/** The state dict that is meant. Throws 'invalid-file' where there is none, 'invalid-argument' where the choice fails. */
export function chooseSection(sections: readonly Section[], choice: SectionChoice, file: string): Section {
  if (sections.length === 0) {
    throw new RevatError(
      'invalid-file',
      `${file} holds no tensors. Save a state dict: torch.save(model.state_dict(), ...).`,
    );
  }
  const listing = sections
    .map(({ path }) => JSON.stringify(path))
    .slice(0, 8)
    .join(', ');
  if (choice.section !== undefined) {
    const chosen = sections.find(({ path }) => path === choice.section);
    if (chosen !== undefined) return chosen;
    throw new RevatError(
      'invalid-argument',
      `${file} has no section ${JSON.stringify(choice.section)}. It has ${listing}.`,
    );
  }
  const byKind = (kind: Kind): Section[] => rank(sections.filter(({ path }) => kindOf(path) === kind));
  if (choice.ema === true) {
    const [ema] = byKind('ema');
    if (ema !== undefined) return ema;
    throw new RevatError(
      'invalid-argument',
      `${file} holds no EMA weights. It has ${listing}: load it without ema.`,
    );
  }
  const [chosen] = [...byKind('raw'), ...byKind('top'), ...byKind('ema')];
  if (chosen !== undefined) return chosen;
  if (sections.length === 1) return sections[0];
  throw new RevatError(
    'invalid-argument',
    `${file} holds several state dicts: ${listing}. Choose one with { section }.`,
  );
}

function kindOf(path: string): Kind {
  if (path === '') return 'top';
  const parts = path.split('.');
  if (parts.some((part) => EMA_NAMES.includes(part))) return parts.every(isKnown) ? 'ema' : 'other';
  return parts.every(isKnown) ? 'raw' : 'other';
}

function isKnown(part: string): boolean {
  return RAW_NAMES.includes(part) || EMA_NAMES.includes(part);
}

/** Shallow before deep, then in the order of the lists above. */
function rank(sections: readonly Section[]): Section[] {
  const order = (path: string): number => {
    const first = path.split('.')[0];
    return [...RAW_NAMES, ...EMA_NAMES].indexOf(first);
  };
  const depth = (path: string): number => path.split('.').length;
  return [...sections].sort((a, b) => depth(a.path) - depth(b.path) || order(a.path) - order(b.path));
}
