/** Loads one file into a ConvNeXt-T in a process of its own; prints seconds and peak extra memory as JSON. Needs Linux and --expose-gc. */
import { readFileSync, writeFileSync } from 'node:fs';
import { useBackend } from '@revat/backend';
import { createModel, loadWeights } from '@revat/models';

const [file, build, backend] = process.argv.slice(2);
await useBackend(backend);
const model = createModel('convnext_tiny', {}, { deferred: build === 'deferred' });
globalThis.gc();
resetPeak();
const before = peak();
const start = performance.now();
const { loaded } = await loadWeights(model, file);
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ seconds, loaded: loaded.length, extra: peak() - before }));

/** Sets the high-water mark of this process's memory to what it uses now. */
function resetPeak() {
  writeFileSync('/proc/self/clear_refs', '5');
}

function peak() {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}
