// Checks every public package as it would be published: publint and attw on the packed tarball, and the shared skeleton.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

import { pack, publicPackages, ROOT } from './public-packages.mjs';

const problems = [];
const scratch = mkdtempSync(path.join(os.tmpdir(), 'revat-packages-'));
try {
  for (const { name, folder, manifest } of publicPackages()) {
    for (const file of ['README.md', 'LICENSE', 'src/index.ts', 'tsconfig.json'])
      if (!existsSync(path.join(folder, file))) problems.push(`${name}: ${file} is missing`);
    const readme = readFileSync(path.join(folder, 'README.md'), 'utf8');
    if (!/```(js|ts|sh)\n/.test(readme)) problems.push(`${name}: README.md has no example`);
    const { messages } = await publint({ pkgDir: folder, strict: true });
    problems.push(...messages.map((message) => `${name}: publint: ${formatMessage(message, manifest)}`));
    try {
      execFileSync(
        'npx',
        ['attw', pack(folder, scratch), '--profile', 'esm-only', '--format', 'ascii', '--no-color'],
        {
          cwd: ROOT,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
    } catch (error) {
      problems.push(`${name}: attw:\n${error.stdout}${error.stderr}`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
console.log(`packages: ${problems.length === 0 ? 'all well' : `${problems.length} problems`}`);
process.exitCode = problems.length === 0 ? 0 : 1;
