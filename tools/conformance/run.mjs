/**
 * `npm run test:conformance`: tfjs-core's own specification on the 'onnx' backend, once with the shortcut that computes
 * small graphs with tfjs's CPU kernels and once without it, so that all that can be lowered goes through ONNX Runtime.
 * A spec fails here if it passes on tfjs's cpu backend and does not pass on 'onnx'.
 *
 *   npm run test:conformance -- [--filter TEXT] [--only NAME] [--verbose]
 *
 * Exit code 0 if nothing failed. The last line reads "N passed, N failed, N skipped".
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { bundleSpecification } from './bundle.mjs';

const REFERENCE = { title: "tfjs's cpu backend", backendName: 'cpu', options: {} };
/** The specs' graphs are tiny: a second thread would only wait. */
const ONE_THREAD = { threads: 1 };
const VARIANTS = {
  shortcut: { title: 'onnx, small graphs on CPU kernels', backendName: 'onnx', options: ONE_THREAD },
  lowered: {
    title: 'onnx, small-graph shortcut off',
    backendName: 'onnx',
    options: { ...ONE_THREAD, smallGraphShortcut: false },
  },
};
/** Suites that test the backend of the name 'cpu' itself. */
const CPU_ONLY = /^Switching cpu backends /;
const RUNNER = fileURLToPath(new URL('./run-specification.mjs', import.meta.url));

const { values: options } = parseArgs({
  options: {
    filter: { type: 'string' },
    only: { type: 'string', multiple: true, default: Object.keys(VARIANTS) },
    verbose: { type: 'boolean', default: false },
  },
});

const folder = mkdtempSync(path.join(os.tmpdir(), 'revat-conformance-'));
try {
  const bundle = await bundleSpecification();
  const reference = await runSpecification(bundle, REFERENCE);
  printCounts(REFERENCE, reference.specs);
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const name of options.only) {
    const { specs, suiteErrors } = await runSpecification(bundle, VARIANTS[name]);
    const verdict = compare(reference.specs, specs);
    printVerdict(VARIANTS[name], verdict, suiteErrors);
    totals.passed += verdict.passed;
    totals.failed += verdict.failures.length + suiteErrors.length;
    totals.skipped += verdict.skipped;
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Every spec's result on a backend, from a process of its own: tfjs's engine is a singleton of the process. */
async function runSpecification(bundle, { title, backendName, options: engineOptions }) {
  const results = path.join(folder, 'results.json');
  const child = spawn(
    process.execPath,
    [RUNNER, bundle, results, ...(options.filter ? [options.filter] : [])],
    {
      env: { ...process.env, REVAT_CONFORMANCE: JSON.stringify({ backendName, options: engineOptions }) },
      stdio: ['ignore', options.verbose ? 'inherit' : 'ignore', 'pipe'],
    },
  );
  let errors = '';
  child.stderr.on('data', (text) => (errors += text));
  const [code, signal] = await new Promise((resolve) => child.on('close', (...exit) => resolve(exit)));
  if (options.verbose) process.stderr.write(errors);
  if (code === 0) return JSON.parse(readFileSync(results, 'utf8'));
  throw new Error(
    `The specification on ${title} ended early (${signal ?? `exit code ${code}`}).\n${errors.slice(-4000)}`,
  );
}

/** What counts are the specs that pass on the reference; the others are skipped, also those that the suite leaves pending. */
function compare(reference, specs) {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const verdict = { passed: 0, failures: [], skipped: 0 };
  for (const { name, status } of reference) {
    if (status !== 'passed' || CPU_ONLY.test(name)) verdict.skipped++;
    else if (byName.get(name)?.status === 'passed') verdict.passed++;
    else verdict.failures.push(byName.get(name) ?? { name, messages: ['The spec did not run.'] });
  }
  return verdict;
}

function printCounts({ title }, specs) {
  const count = (status) => specs.filter((spec) => spec.status === status).length;
  console.log(
    `${title}: ${count('passed')} of ${specs.length} specs pass, ${count('failed')} fail, ${count('pending')} pending`,
  );
}

function printVerdict({ title }, { passed, failures, skipped }, suiteErrors) {
  for (const error of suiteErrors) console.log(`FAILED outside a spec: ${error}`);
  for (const { name, messages } of failures) {
    console.log(`FAILED ${name}`);
    for (const message of messages) console.log(indent(options.verbose ? message : message.split('\n')[0]));
  }
  console.log(
    `${title}: ${passed} passed, ${failures.length + suiteErrors.length} failed, ${skipped} skipped`,
  );
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}
