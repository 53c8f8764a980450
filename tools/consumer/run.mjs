// Packs every public package, installs only @revat/attacks (and what it needs) in an empty folder, and attacks a
// tf.LayersModel there: as an ES module and from CommonJS through import().
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { pack, publicPackages, ROOT } from '../check/public-packages.mjs';

const TFJS = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-cpu'];
const scratch = mkdtempSync(path.join(os.tmpdir(), 'revat-consumer-'));
const run = (command, args) => execFileSync(command, args, { cwd: scratch, stdio: 'inherit' });

try {
  mkdirSync(path.join(scratch, 'tarballs'));
  const tarballs = Object.fromEntries(
    publicPackages().map(({ name, folder }) => [name, pack(folder, path.join(scratch, 'tarballs'))]),
  );
  // Without a registry that has them, the packages that @revat/attacks depends on are given as tarballs, too.
  const asFile = (name) => `file:${path.relative(scratch, tarballs[name])}`;
  const manifest = {
    name: 'consumer',
    private: true,
    dependencies: { '@revat/attacks': asFile('@revat/attacks') },
    overrides: { '@revat/core': asFile('@revat/core') },
  };
  writeFileSync(path.join(scratch, 'package.json'), JSON.stringify(manifest, null, 2));
  run('npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...TFJS.map((name) => `${name}@^4.22.0`),
  ]);
  run('npm', ['ls', '--all']);
  for (const file of ['attack.mjs', 'attack.cjs']) {
    copyFileSync(path.join(ROOT, 'tools/consumer', file), path.join(scratch, file));
    run(process.execPath, [file]);
  }
  console.log('consumer: all well');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
