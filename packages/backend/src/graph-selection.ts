import type { LazyRecord, PendingNode } from './lazy-record.js';

/** The part of the pending graph that one flush computes. */
export interface Selection {
  /** In topological order. */
  readonly nodes: readonly PendingNode[];
  /** Records with values that the nodes read, in order of first use. */
  readonly leaves: readonly LazyRecord[];
  /** Records to compute, in order of the nodes that make them. */
  readonly roots: readonly LazyRecord[];
  /** The structure of the graph: equal keys mean equal graphs, see `sameKey`. */
  readonly key: Int32Array;
  readonly hash: number;
}

/** Tells how many tensors of still-open tidy scopes hold a record; they are about to be disposed. */
export type ScopeHolds = (record: LazyRecord) => number;

/** Marks a frozen leaf in the key; the record's id follows. */
const FROZEN = -0x7fffffff;
const ROOTS = 0x7fffffff;

let currentMark = 0;
let code = new Int32Array(4096);
let codeLength = 0;

/**
 * Selects what a flush computes (the "scope" policy): the requested record and every other live one, except those inside
 * the graph that only still-open tidy scopes hold. `pending` is in order of recording, hence topological. With
 * `onlyRequested`, nothing but the requested record.
 */
export function selectGraph(
  pending: readonly PendingNode[],
  requested: LazyRecord | undefined,
  scopeHolds: ScopeHolds,
  { onlyRequested = false } = {},
): Selection {
  const mark = ++currentMark;
  const wanted: PendingNode[] = [];
  const roots: LazyRecord[] = [];
  for (let i = pending.length - 1; i >= 0; i--) {
    const node = pending[i];
    let isWanted = false;
    for (const output of node.outputs) {
      if (output.node === undefined) continue;
      const isInner = output.wantedMark === mark;
      const isRoot =
        output === requested ||
        (!onlyRequested && output.alive && (!isInner || output.refCount > scopeHolds(output)));
      if (isRoot) roots.push(output);
      isWanted ||= isInner || isRoot;
    }
    if (!isWanted) continue;
    wanted.push(node);
    for (const input of node.inputs) if (input.node !== undefined) input.wantedMark = mark;
  }
  wanted.reverse();
  roots.reverse();
  return encode(wanted, roots, mark);
}

/** The calls whose results may still be asked for, directly or by a call that comes after them. */
export function unfinished(pending: readonly PendingNode[]): PendingNode[] {
  const mark = ++currentMark;
  const kept: PendingNode[] = [];
  for (let i = pending.length - 1; i >= 0; i--) {
    const node = pending[i];
    const isKept = node.outputs.some(
      (output) => output.node !== undefined && (output.alive || output.wantedMark === mark),
    );
    if (!isKept) continue;
    kept.push(node);
    for (const input of node.inputs) if (input.node !== undefined) input.wantedMark = mark;
  }
  return kept.reverse();
}

/** Writes the graph as integers: for every node its signature and the slots of its inputs, then the slots of the roots. */
function encode(nodes: readonly PendingNode[], roots: readonly LazyRecord[], mark: number): Selection {
  const leaves: LazyRecord[] = [];
  let slots = 0;
  codeLength = 0;
  for (const { signature, inputs, outputs } of nodes) {
    push(signature.id);
    for (const input of inputs) {
      if (input.slotMark !== mark) {
        input.slotMark = mark;
        input.slot = -leaves.push(input);
        if (input.frozen) {
          push(FROZEN);
          push(input.id);
        }
      }
      push(input.slot);
    }
    for (const output of outputs) {
      output.slotMark = mark;
      output.slot = slots++;
    }
  }
  push(ROOTS);
  for (const root of roots) push(root.slot);
  const key = code.slice(0, codeLength);
  return { nodes, leaves, roots, key, hash: hashOf(key) };
}

export function sameKey(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function push(word: number): void {
  if (codeLength === code.length) {
    const grown = new Int32Array(code.length * 2);
    grown.set(code);
    code = grown;
  }
  code[codeLength++] = word;
}

/** FNV-1a over words; only finds candidates, `sameKey` decides. */
function hashOf(key: Int32Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i], 0x01000193) ^ (hash >>> 15);
  return hash;
}
