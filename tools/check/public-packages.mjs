import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** Name, folder and manifest of every package that is published. */
export function publicPackages() {
  return readdirSync(path.join(ROOT, 'packages'))
    .map((folder) => path.join(ROOT, 'packages', folder))
    .map((folder) => ({
      folder,
      manifest: JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')),
    }))
    .filter(({ manifest }) => !manifest.private)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

/** Packs a package as `npm publish` would and returns the path of the tarball in `destination`. */
export function pack(folder, destination) {
  const output = execFileSync('npm', ['pack', '--json', '--pack-destination', destination], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const listing = JSON.parse(output);
  const { filename } = Array.isArray(listing) ? listing[0] : Object.values(listing)[0];
  return path.join(destination, path.basename(filename));
}
