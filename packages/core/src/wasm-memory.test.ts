import { expect, test } from '@jest/globals';

import { WasmMemory } from './wasm-memory.js';

/** An empty module that exports one page of memory. */
const MODULE = btoa(
  String.fromCharCode(
    ...[
      0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 1, 7, 10, 1, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0,
    ],
  ),
);

test('lays arrays out one after the other, and from the start again after a reset', () => {
  const memory = new WasmMemory<object>(MODULE);
  const first = memory.reserve(100);
  const second = memory.reserve(200_000);
  expect(second).toBeGreaterThanOrEqual(first + 100 + 16);
  memory.bytes(second, 200_000).fill(7);
  expect(memory.bytes(first, 100).every((byte) => byte === 0)).toBe(true);
  memory.reset();
  expect(memory.reserve(1)).toBe(first);
});

test('says what is needed where WebAssembly does not run', () => {
  expect(() => new WasmMemory(btoa('no module'))).toThrow(
    expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('wasm-unsafe-eval') }),
  );
});
