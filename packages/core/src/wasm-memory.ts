import { RevatError } from './errors.js';

/** A WebAssembly module with its memory, used as scratch space: each call lays out its arrays from the start again. */

/** Compiled modules keep their constants below. */
const SCRATCH_START = 65536;
const PAGE = 65536;
const ALIGNMENT = 16;

export class WasmMemory<Exports> {
  readonly exports: Exports;
  private readonly memory: WebAssembly.Memory;
  private top = SCRATCH_START;

  /** Throws 'unavailable' where WebAssembly with SIMD may not or cannot run. */
  constructor(base64: string) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const { exports } = instantiate(bytes);
    this.exports = exports as Exports;
    this.memory = exports.memory as WebAssembly.Memory;
  }

  /** Forgets all earlier reservations. */
  reset(): void {
    this.top = SCRATCH_START;
  }

  /** The address of `bytes` free bytes, 16 more readable behind them. */
  reserve(bytes: number): number {
    const address = this.top;
    this.top = Math.ceil((address + bytes + ALIGNMENT) / ALIGNMENT) * ALIGNMENT;
    const missing = this.top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    return address;
  }

  /** The bytes at an address; valid until the next `reserve`. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  /** Copies 32-bit integers into new memory; their address. */
  store(values: Int32Array): number {
    const address = this.reserve(values.byteLength);
    this.write(address, values);
    return address;
  }

  /** Copies 32-bit integers to an address. */
  write(address: number, values: Int32Array): void {
    new Int32Array(this.memory.buffer, address, values.length).set(values);
  }
}

function instantiate(bytes: BufferSource): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { abort: unreachable } });
  } catch (cause) {
    const reason = (cause as Error).message.replace(/\.$/, '');
    throw new RevatError(
      'unavailable',
      `WebAssembly with SIMD is needed and does not run here: ${reason}. Use Node 20 or a browser since 2023; a page with a content security policy must allow 'wasm-unsafe-eval'.`,
      { cause },
    );
  }
}

function unreachable(): never {
  throw new Error('WebAssembly aborted');
}
