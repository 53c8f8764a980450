import { sameKey, type Selection } from './graph-selection.js';
import type { LazyRecord } from './lazy-record.js';
import type { EngineSession } from './runtime/session-runtime.js';

/** A compiled graph. */
export interface Plan {
  readonly key: Int32Array;
  readonly hash: number;
  readonly session: EngineSession;
  /** What keeping it costs: weights, and the runtime's working memory, which it keeps between runs. */
  readonly bytes: number;
  /** Ids of the records whose values are built into the model. */
  readonly frozenIds: ReadonlySet<number>;
  /** For every leaf, the record of the last run and for how many runs it has been the same. */
  readonly lastLeafIds: Float64Array;
  readonly leafRuns: Uint32Array;
}

/** Plans by graph, the least recently used ones evicted when their bytes exceed the budget. */
export class PlanCache {
  /** In order of last use. */
  private readonly plans = new Map<Plan, true>();
  private readonly byHash = new Map<number, Plan[]>();
  bytes = 0;
  evictions = 0;

  constructor(private readonly budget: number) {}

  get size(): number {
    return this.plans.size;
  }

  find({ key, hash }: Selection): Plan | undefined {
    const plan = this.byHash.get(hash)?.find((candidate) => sameKey(candidate.key, key));
    if (plan) {
      this.plans.delete(plan);
      this.plans.set(plan, true);
    }
    return plan;
  }

  /** Adds a plan and evicts others until the budget holds; the newest plan always stays. */
  add(plan: Plan): void {
    const bucket = this.byHash.get(plan.hash);
    if (bucket) bucket.push(plan);
    else this.byHash.set(plan.hash, [plan]);
    this.plans.set(plan, true);
    this.bytes += plan.bytes;
    for (const oldest of this.plans.keys()) {
      if (this.bytes <= this.budget || oldest === plan) break;
      this.remove(oldest);
      this.evictions++;
    }
  }

  /** Drops the plans that hold a record's values. */
  dropFrozen({ id }: LazyRecord): void {
    for (const plan of [...this.plans.keys()]) if (plan.frozenIds.has(id)) this.remove(plan);
  }

  /** Drops the plans that took the values of these records as inputs in their last run. */
  dropReaders(ids: ReadonlySet<number>): void {
    for (const plan of [...this.plans.keys()])
      if (plan.lastLeafIds.some((id) => ids.has(id))) this.remove(plan);
  }

  clear(): void {
    for (const plan of [...this.plans.keys()]) this.remove(plan);
  }

  private remove(plan: Plan): void {
    this.plans.delete(plan);
    this.bytes -= plan.bytes;
    const bucket = this.byHash.get(plan.hash)!.filter((candidate) => candidate !== plan);
    if (bucket.length > 0) this.byHash.set(plan.hash, bucket);
    else this.byHash.delete(plan.hash);
    plan.session.dispose();
  }
}
