import { build } from 'esbuild';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const OUTPUT = path.join(here, 'dist/specification.mjs');

/** Native add-ons, and what must stay one copy with them. */
const EXTERNAL = ['jasmine', 'jasmine-core', 'onnxruntime-node', 'onnxruntime-common'];

/** Bundles the specification for Node and returns the bundle's path. */
export async function bundleSpecification() {
  await build({
    entryPoints: [path.join(here, 'specification.mjs')],
    outfile: OUTPUT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // The "module" files of tfjs-core are those that its tests import: the backends must share them.
    mainFields: ['module', 'main'],
    external: EXTERNAL,
    // tfjs declares its modules free of side effects; its tests are nothing else, and would all be shaken away.
    ignoreAnnotations: true,
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
    logLevel: 'error',
  });
  return OUTPUT;
}
