// Checks the documentation: links between files, examples that READMEs show equal the files under docs/examples, and these run.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { ROOT } from './public-packages.mjs';

const EXAMPLES = path.join(ROOT, 'docs/examples');
const EXAMPLE_TIME_LIMIT_MS = 120_000;
const problems = [];

function markdownFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', '.nx', '.git', 'fixtures', 'runs'].includes(entry.name)) return [];
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return markdownFiles(file);
    return entry.name.endsWith('.md') ? [file] : [];
  });
}

function checkLinks(file) {
  const text = readFileSync(file, 'utf8').replace(/```[\s\S]*?```/g, '');
  for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(https?:|mailto:|#)/.test(target)) continue;
    if (!existsSync(path.resolve(path.dirname(file), target.split('#')[0])))
      problems.push(`${path.relative(ROOT, file)}: broken link ${target}`);
  }
}

/** A fenced block whose first line is `// docs/examples/NAME` must be that file, letter by letter. */
function checkQuotedExamples(file) {
  for (const [, , code] of readFileSync(file, 'utf8').matchAll(/```(js|ts)\n([\s\S]*?)```/g)) {
    const quoted = /^\/\/ (docs\/examples\/[\w-]+\.mjs)\n/.exec(code);
    if (!quoted) continue;
    const source = path.join(ROOT, quoted[1]);
    if (!existsSync(source) || readFileSync(source, 'utf8').trim() !== code.trim())
      problems.push(`${path.relative(ROOT, file)}: the example differs from ${quoted[1]}`);
  }
}

function runExample(name) {
  const run = spawnSync(process.execPath, [path.join(EXAMPLES, name)], {
    encoding: 'utf8',
    timeout: EXAMPLE_TIME_LIMIT_MS,
  });
  if (run.status !== 0) problems.push(`docs/examples/${name} failed:\n${run.stdout}${run.stderr}`);
  else console.log(`docs/examples/${name}: runs`);
}

for (const file of markdownFiles(ROOT)) {
  checkLinks(file);
  checkQuotedExamples(file);
}
if (existsSync(EXAMPLES))
  readdirSync(EXAMPLES)
    .filter((name) => name.endsWith('.mjs'))
    .forEach(runExample);
for (const problem of problems) console.error(problem);
console.log(`docs: ${problems.length === 0 ? 'all well' : `${problems.length} problems`}`);
process.exitCode = problems.length === 0 ? 0 : 1;
