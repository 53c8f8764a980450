/** Seconds and peak memory of a process that indexes a folder of many files. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDERS = 1000;

/** Indexes `count` files in up to 1000 folders below `root`, three times, each in a process of its own. */
export function measureIndex(root, count) {
  makeFiles(root, count);
  const runs = [0, 1, 2].map(() =>
    JSON.parse(execFileSync(process.execPath, [join(import.meta.dirname, 'index-in-child.mjs'), root])),
  );
  const [{ files, startMiB }] = runs;
  return {
    files,
    seconds: runs.map(({ seconds }) => seconds),
    startMiB,
    peakMiB: Math.max(...runs.map(({ peakMiB }) => peakMiB)),
  };
}

/** Files with names as long as ImageNet's; hard links, which need no inode each. */
function makeFiles(root, count) {
  const folders = Math.min(FOLDERS, count);
  for (let f = 0; f < folders; f++) {
    const name = `n${String(f).padStart(8, '0')}`;
    const path = (i) => join(root, name, `${name}_${i}.JPEG`);
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(path(f), '');
    for (let i = f + folders; i < count; i += folders) linkSync(path(f), path(i));
  }
}
