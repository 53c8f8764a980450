import { engine } from '@tensorflow/tfjs-core';
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';

import type { EngineStatistics } from './engine-statistics.js';
import { selectGraph, unfinished, type Selection } from './graph-selection.js';
import type { LazyRecord, PendingNode } from './lazy-record.js';
import { compileModel, explainFailure, type CompiledModel } from './model-compiler.js';
import { PlanCache, type Plan } from './plan-cache.js';
import type { EngineArray, EngineSession, SessionRuntime } from './runtime/session-runtime.js';
import { interpret, SmallGraphShortcut } from './small-graph-shortcut.js';
import { startsOutermostScope, TidyScopes } from './tidy-scopes.js';

export interface PlannerOptions {
  /** Bytes that compiled graphs may hold together. */
  readonly cacheBytes: number;
  /** Whether tiny graphs may run on the JavaScript kernels. */
  readonly smallGraphShortcut: boolean;
  /** Whether variables that stay the same are built into the plans that use them. */
  readonly automaticFreezing: boolean;
}

/** Recorded calls that are kept before the engine computes them unasked. */
const MAX_PENDING = 4_000;
/**
 * With so many, it computes them where a new step of the program seems to begin. A loop that reads nothing is then cut
 * at the same place every time, and runs a cached plan.
 */
const MANY_PENDING = 1_000;
/** Runs of a plan with the same values of a variable after which these are frozen. */
const RUNS_BEFORE_FREEZING = 3;

/** Keeps the recorded calls and computes them when a value is asked for. */
export class Planner {
  private pending: PendingNode[] = [];
  /** Hashes of the graphs whose variables were frozen. */
  private readonly frozenOnce = new Set<number>();
  private readonly cache: PlanCache;
  private readonly shortcut: SmallGraphShortcut;
  private lastAsyncRun: Promise<void> = Promise.resolve();
  private readonly scopes: TidyScopes;

  constructor(
    private readonly backend: MathBackendCPU,
    private readonly runtime: SessionRuntime,
    private readonly options: PlannerOptions,
    private readonly statistics: EngineStatistics,
  ) {
    this.cache = new PlanCache(options.cacheBytes);
    this.shortcut = new SmallGraphShortcut(backend);
    this.scopes = new TidyScopes(backend);
  }

  get planCount(): number {
    return this.cache.size;
  }

  get planBytes(): number {
    return this.cache.bytes;
  }

  get evictions(): number {
    return this.cache.evictions;
  }

  add(node: PendingNode): void {
    if (this.pending.length >= MANY_PENDING && startsOutermostScope()) this.flush();
    this.pending.push(node);
    if (this.pending.length < MAX_PENDING) return;
    this.sweep();
    if (this.pending.length >= MAX_PENDING / 2) this.flush();
  }

  /** Computes all that is live and pending. Failures stay with the records that they concern. */
  flush(): void {
    const selection = this.select(undefined);
    if (selection.roots.length === 0) return;
    try {
      this.computeSelection(selection);
    } catch {
      this.computeOneByOne(selection);
    }
    this.sweep();
  }

  /** Computes one record, and with it what else is live. Throws why that is impossible. */
  readonly compute = (record: LazyRecord): void => {
    const selection = this.select(record);
    try {
      this.computeSelection(selection);
    } catch (error) {
      // The culprit may be elsewhere in the graph: let every record stand alone.
      if (selection.roots.length === 1) record.fail(error);
      else this.computeOneByOne(selection);
    }
    this.sweep();
  };

  /** As `compute`, leaving the event loop free where the runtime can. Runs one after another. */
  computeAsync(record: LazyRecord): Promise<void> {
    const run = this.lastAsyncRun.then(async () => {
      if (!record.isPending) return;
      const selection = this.select(record);
      try {
        await this.computeSelectionAsync(selection);
      } catch (error) {
        record.fail(error);
      }
      this.sweep();
    });
    this.lastAsyncRun = run;
    return run;
  }

  /** Drops the plans that hold the values of a record. */
  dropFrozen(record: LazyRecord): void {
    record.frozen = false;
    this.cache.dropFrozen(record);
  }

  dispose(): void {
    this.pending = [];
    this.cache.clear();
  }

  private select(requested: LazyRecord | undefined, options?: { onlyRequested: boolean }): Selection {
    const start = performance.now();
    this.scopes.forget();
    const selection = selectGraph(this.pending, requested, this.scopes.holds, options);
    this.statistics.planMs += performance.now() - start;
    return selection;
  }

  private computeSelection(selection: Selection): void {
    if (this.runsSmall(selection)) return;
    if (!this.runtime.synchronous) {
      interpret(selection, this.backend);
      return;
    }
    const plan = this.findPlan(selection) ?? this.compile(selection);
    const inputs = plannedInputs(selection);
    const start = performance.now();
    let results: EngineArray[];
    try {
      results = plan.session.run(inputs);
    } catch (error) {
      throw explainFailure(error, selection);
    }
    this.finishRun(plan, selection, results, start);
  }

  private async computeSelectionAsync(selection: Selection): Promise<void> {
    if (this.runsSmall(selection)) return;
    const plan = this.findPlan(selection) ?? (await this.compileAsync(selection));
    const inputs = plannedInputs(selection);
    const start = performance.now();
    let results: EngineArray[];
    try {
      results = await plan.session.runAsync(inputs);
    } catch (error) {
      throw explainFailure(error, selection);
    }
    this.finishRun(plan, selection, results, start);
  }

  private runsSmall(selection: Selection): boolean {
    const isSmall = this.options.smallGraphShortcut && this.shortcut.tryRun(selection);
    if (isSmall) this.statistics.smallGraphs++;
    return isSmall;
  }

  private finishRun(plan: Plan, selection: Selection, results: readonly EngineArray[], start: number): void {
    selection.roots.forEach((root, i) => root.resolve(results[i]));
    this.statistics.runs++;
    this.statistics.runMs += performance.now() - start;
    if (this.options.automaticFreezing) this.freezeConstantVariables(plan, selection);
  }

  /**
   * Freezes the variables that stayed the same over several runs of a plan: the next run compiles a plan with their values
   * built in. Once for each graph: one whose variables change after all is left alone from then on.
   */
  private freezeConstantVariables(plan: Plan, { leaves }: Selection): void {
    if (plan.frozenIds.size > 0 || this.frozenOnce.has(plan.hash)) return;
    const constant = leaves.filter((leaf, i) => {
      plan.leafRuns[i] = plan.lastLeafIds[i] === leaf.id ? plan.leafRuns[i] + 1 : 1;
      plan.lastLeafIds[i] = leaf.id;
      return plan.leafRuns[i] >= RUNS_BEFORE_FREEZING;
    });
    if (constant.length === 0) return;
    const variables = variableRecords(this.backend);
    const frozen = constant.filter((leaf) => variables.has(leaf));
    if (frozen.length === 0) return;
    this.frozenOnce.add(plan.hash);
    for (const leaf of frozen) leaf.frozen = true;
    // The plans that took these values as inputs will not be asked for again; their working memory is large.
    this.cache.dropReaders(new Set(frozen.map(({ id }) => id)));
  }

  private findPlan(selection: Selection): Plan | undefined {
    const plan = this.cache.find(selection);
    if (plan) this.statistics.cacheHits++;
    return plan;
  }

  private compile(selection: Selection): Plan {
    const start = performance.now();
    const compiled = compileModel(selection, this.runtime);
    try {
      return this.keepPlan(selection, compiled, this.runtime.createSession(compiled.model), start);
    } catch (error) {
      throw explainFailure(error, selection);
    }
  }

  private async compileAsync(selection: Selection): Promise<Plan> {
    const start = performance.now();
    const compiled = compileModel(selection, this.runtime);
    try {
      return this.keepPlan(selection, compiled, await this.runtime.createSessionAsync(compiled.model), start);
    } catch (error) {
      throw explainFailure(error, selection);
    }
  }

  private keepPlan(
    { key, hash, leaves }: Selection,
    { workingBytes }: CompiledModel,
    session: EngineSession,
    start: number,
  ): Plan {
    const plan: Plan = {
      key,
      hash,
      session,
      bytes: workingBytes,
      frozenIds: new Set(leaves.filter(({ frozen }) => frozen).map(({ id }) => id)),
      lastLeafIds: new Float64Array(leaves.length),
      leafRuns: new Uint32Array(leaves.length),
    };
    this.cache.add(plan);
    this.statistics.compiles++;
    this.statistics.compileMs += performance.now() - start;
    return plan;
  }

  private computeOneByOne({ roots }: Selection): void {
    for (const root of roots) {
      if (!root.isPending) continue;
      try {
        this.computeSelection(this.select(root, { onlyRequested: true }));
      } catch (error) {
        root.fail(error);
      }
    }
  }

  /** Forgets the calls whose results are there or can never be asked for. */
  private sweep(): void {
    this.pending = unfinished(this.pending);
  }
}

/** The values of the leaves that are inputs of the model. Throws the error of a leaf that could not be computed. */
function plannedInputs({ leaves }: Selection): EngineArray[] {
  return leaves.filter(({ frozen }) => !frozen).map((leaf) => leaf.engineValues);
}

/** The records of all variables; scalars are left out, for schedules change them. */
function variableRecords(backend: MathBackendCPU): ReadonlySet<LazyRecord> {
  const records = new Set<LazyRecord>();
  for (const variable of Object.values(engine().state.registeredVariables)) {
    if (variable.size > 1 && backend.data.has(variable.dataId)) {
      records.add(backend.data.get(variable.dataId) as unknown as LazyRecord);
    }
  }
  return records;
}
