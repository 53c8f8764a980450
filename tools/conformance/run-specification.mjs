/**
 * Runs the bundled specification in this process, on the backend that REVAT_CONFORMANCE names, and writes what every
 * spec did to a file: `node run-specification.mjs BUNDLE RESULTS [FILTER]`.
 */
import Jasmine from 'jasmine';
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [bundle, results, filter] = process.argv.slice(2);
const { backendName } = JSON.parse(process.env.REVAT_CONFORMANCE);
const suiteSuffix = ` ${backendName} {}`;

const runner = new Jasmine();
runner.randomizeTests(false);
runner.clearReporters();

// The same suite and name can occur twice (a loop over cases): number the repetitions, so that runs can be compared.
const occurrences = new Map();
const specs = [];
const suiteErrors = [];
runner.addReporter({
  specDone({ fullName, status, failedExpectations }) {
    const name = fullName.replaceAll(suiteSuffix, '');
    const occurrence = (occurrences.get(name) ?? 0) + 1;
    occurrences.set(name, occurrence);
    if (status === 'excluded') return;
    specs.push({
      name: occurrence === 1 ? name : `${name} #${occurrence}`,
      status,
      messages: failedExpectations.map(({ message, stack }) => `${message}\n${stack ?? ''}`),
    });
  },
  suiteDone({ fullName, failedExpectations }) {
    for (const { message } of failedExpectations) suiteErrors.push(`${fullName}: ${message}`);
  },
  jasmineDone({ failedExpectations }) {
    for (const { message } of failedExpectations) suiteErrors.push(message);
    writeFileSync(results, JSON.stringify({ specs, suiteErrors }));
  },
});

runner.exitOnCompletion = false;
await import(pathToFileURL(bundle));
await runner.execute([], filter);
// Tests of tfjs's file and model storage leave handles open.
process.exit(0);
