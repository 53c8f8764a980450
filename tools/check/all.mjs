// npm run check: everything that needs no test runner.
import { runSteps } from './run-steps.mjs';

runSteps([
  { name: 'build', command: ['npm', 'run', '-s', 'build'] },
  { name: 'format', command: ['npx', 'prettier', '--check', '.'] },
  { name: 'lint and module boundaries', command: ['npm', 'run', '-s', 'lint'] },
  { name: 'types', command: ['npm', 'run', '-s', 'typecheck'] },
  { name: 'unused code and dependencies', command: ['npx', 'knip'] },
  { name: 'packages', command: ['node', 'tools/check/packages.mjs'] },
  { name: 'docs', command: ['node', 'tools/check/docs.mjs'] },
]);
