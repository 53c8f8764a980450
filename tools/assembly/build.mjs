/**
 * Compiles the AssemblyScript kernels of a package to a TypeScript module that carries the WebAssembly as base64, so that it
 * runs unbundled, bundled and in browsers without a file to fetch:
 *   node tools/assembly/build.mjs packages/augment/assembly/resize.ts packages/augment/src/resize-wasm.ts
 * The module also carries the hash of its sources, the given one and what it imports; a test compares them.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Vectors go from file to file here, not to the outside. */
const QUIET = ['--disableWarning', '112'];

/**
 * The compiler leaves small functions of hot loops as calls, around which nothing stays in a register: another pass inlines
 * them all.
 */
const INLINE = [
  '-O3',
  '--inlining-optimizing',
  '--one-caller-inline-max-function-size=100000',
  '--always-inline-max-function-size=400',
  '--enable-simd',
  '--enable-bulk-memory',
  '--enable-mutable-globals',
  '--enable-sign-ext',
  '--enable-nontrapping-float-to-int',
];

const [source, target] = process.argv.slice(2);
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')),
  'bin/asc.js',
);
const optimizer = join(dirname(createRequire(compiler).resolve('binaryen/package.json')), 'bin/wasm-opt');
const folder = mkdtempSync(join(tmpdir(), 'revat-wasm-'));
try {
  const binary = join(folder, 'kernels.wasm');
  const options = [
    '-O3',
    '--runtime',
    'stub',
    '--noAssert',
    '--enable',
    'simd',
    '--initialMemory',
    '1',
    ...QUIET,
  ];
  execFileSync(process.execPath, [compiler, source, ...options, '-o', binary], { stdio: 'inherit' });
  execFileSync(process.execPath, [optimizer, binary, ...INLINE, '-o', binary], { stdio: 'inherit' });
  const hash = createHash('sha256');
  for (const file of sourcesOf(source)) hash.update(readFileSync(file));
  const lines = [
    `/** Made from assembly/${basename(source)} by tools/assembly/build.mjs; do not edit. */`,
    `export const SOURCE_SHA256 = '${hash.digest('hex')}';`,
    `export const WASM_BASE64 =\n  '${readFileSync(binary).toString('base64')}';`,
  ];
  writeFileSync(target, `${lines.join('\n')}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

/** A file and, in the order of their names, the files that it and they import. */
function sourcesOf(file) {
  const found = new Set([file]);
  for (const each of found)
    for (const [, name] of readFileSync(each, 'utf8').matchAll(/from '\.\/(.*)'/g))
      found.add(join(dirname(each), `${name}.ts`));
  return [...found].sort();
}
