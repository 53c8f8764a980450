import { engine } from '@tensorflow/tfjs-core';
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';

import type { LazyRecord } from './lazy-record.js';

/** Which records the tidy scopes that are open now will let go of. */
export class TidyScopes {
  private isCounted = false;
  private mark = 0;

  constructor(private readonly backend: MathBackendCPU) {}

  /** Scopes may have changed: counts anew when next asked. */
  forget(): void {
    this.isCounted = false;
  }

  /** How many tensors tracked by open tidy scopes, and not kept, refer to the record. */
  readonly holds = (record: LazyRecord): number => {
    if (!this.isCounted) this.count();
    return record.scopeMark === this.mark ? record.scopeHolds : 0;
  };

  private count(): void {
    this.isCounted = true;
    this.mark++;
    for (const { track } of engine().state.scopeStack) {
      for (const tensor of track) {
        if (tensor.kept || !this.backend.data.has(tensor.dataId)) continue;
        const record = this.backend.data.get(tensor.dataId) as unknown as LazyRecord;
        if (record.scopeMark !== this.mark) {
          record.scopeMark = this.mark;
          record.scopeHolds = 0;
        }
        record.scopeHolds++;
      }
    }
  }
}

/** Whether this is the first call of an outermost tidy. (Every operation opens a scope too: one alone is no tidy.) */
export function startsOutermostScope(): boolean {
  const { scopeStack } = engine().state;
  return scopeStack.length > 1 && scopeStack.every(({ track }) => track.length === 0);
}
