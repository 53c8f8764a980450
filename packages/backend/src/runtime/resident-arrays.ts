import type { EngineArray } from './session-runtime.js';
import type { RunInput } from './worker-messages.js';

/** An array of which the worker keeps a copy, and how many input slots of sessions use it. */
interface Resident {
  readonly id: number;
  holders: number;
}

/**
 * Which arrays the worker already has. Each input slot of each session holds the array of its last run: weights that
 * stay the same are sent once, whatever the number of sessions that take them, and an array that no slot holds any more
 * is forgotten on both sides. Nothing here keeps an array of the main thread alive.
 */
export class ResidentArrays {
  private readonly known = new WeakMap<EngineArray, Resident>();
  private count = 0;

  slots(): ResidentSlots {
    return new ResidentSlots(this);
  }

  /** The resident of an array, and a copy to send if the worker does not have it. */
  hold(array: EngineArray): { resident: Resident; copy?: EngineArray } {
    const existing = this.known.get(array);
    if (existing && existing.holders > 0) {
      existing.holders++;
      return { resident: existing };
    }
    const resident = { id: this.count++, holders: 1 };
    this.known.set(array, resident);
    return { resident, copy: array.slice() };
  }
}

/** The input slots of one session. */
export class ResidentSlots {
  private held: Resident[] = [];

  constructor(private readonly residents: ResidentArrays) {}

  /** Puts a run's inputs into the slots; says what to send and which residents nobody holds any more. */
  fill(arrays: readonly EngineArray[]): { inputs: RunInput[]; forget: number[] } {
    const previous = this.held;
    this.held = [];
    const inputs = arrays.map((array) => {
      const { resident, copy } = this.residents.hold(array);
      this.held.push(resident);
      return { resident: resident.id, array: copy };
    });
    return { inputs, forget: release(previous) };
  }

  /** Empties the slots; returns the residents that nobody holds any more. */
  clear(): number[] {
    const previous = this.held;
    this.held = [];
    return release(previous);
  }
}

function release(residents: readonly Resident[]): number[] {
  return residents.filter((resident) => --resident.holders === 0).map(({ id }) => id);
}
