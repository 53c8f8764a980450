import { InvalidArgumentError, Option } from 'commander';

/** An integer >= `least` from the command line. */
export function integerParser(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be an integer >= ${least}`);
  };
}

export const seedOption = () =>
  new Option('--seed <integer>', 'seed of all randomness').argParser(integerParser(0)).default(0);

export const backendOption = () =>
  new Option(
    '--backend <name>',
    'tfjs backend: auto, onnx, node-gpu, node, wasm, webgpu, webgl or cpu',
  ).default('auto');

export const threadsOption = (uses = 'threads of the engine') =>
  new Option('--threads <integer>', `${uses} (default: all cores)`).argParser(integerParser(1));
