/**
 * Run in a process of its own, `node provider-probe.js PROVIDER`: opens an execution provider, computes the probe network
 * on it and on the processor, and prints the relative error as JSON. A driver that aborts the process ends only this one.
 */
import { openRuntime } from '../runtime/node-runtime.js';
import { probeInputs, probeNetwork, relativeError } from './probe-network.js';
import type { ProbeOutcome } from './probe-process.js';

/** ONNX Runtime begins some messages with the line of its source that failed. */
const SOURCE_POSITION = /^\S*onnxruntime_src\S* .* was false\. /;

void probe(process.argv[2]);

async function probe(provider: string): Promise<void> {
  let outcome: ProbeOutcome;
  try {
    const expected = await compute('cpu');
    const actual = await compute(provider);
    outcome = { error: relativeError(expected, actual) };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    outcome = { failure: message.replace(SOURCE_POSITION, '').trim() };
  }
  process.stdout.write(`\n${JSON.stringify(outcome)}\n`);
}

async function compute(provider: string) {
  const runtime = await openRuntime({ provider, threads: 1 });
  const model = probeNetwork();
  const [result] = await (await runtime.createSessionAsync(model)).runAsync(probeInputs(model));
  return result;
}
