import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test, beforeAll } from '@jest/globals';
import { fixture, fixtureJson, type HostileCase } from './fixture-files.js';

const { marker, files } = fixtureJson<{ marker: string; files: HostileCase[] }>('hostile', 'manifest.json');

/** Files whose manifest allows to load them; all others must be refused. */
const HARMLESS = new Map([
  ['zip_path_traversal.pt', ['w']],
  ['st_proto_key.safetensors', ['__proto__']],
]);

/** What a message must name, beyond the file. */
const NAMES: ReadonlyArray<readonly [RegExp, RegExp]> = [
  [/^evil_(os_system|stack_global|inst|obj|nested|build|persid|legacy|bare)/, /os\.system/],
  [/^evil_posix/, /posix\.system/],
  [/^evil_builtins/, /builtins\.eval/],
  [/^evil_py2/, /__builtin__\.exec/],
  [/^evil_(newobj|popen)/, /subprocess\.Popen/],
  [/^evil_getattr/, /builtins\.getattr/],
  [/^evil_torch_load/, /torch\.utils\.cpp_extension\.load_inline/],
  [/^storage_too_short/, /has 16 bytes where 4000 are declared/],
  [/^size_exceeds_storage/, /outside its storage/],
  [/^huge_size_stride0/, /too large/],
  [/^missing_storage_record/, /archive\/data\/7/],
  [/^storage_key_traversal/, /lacks its record/],
  [/^unknown_storage_type/, /torch\.Float8_e9m9Storage/],
  [/^crc_mismatch/, /CRC-32/],
  [/^zip_declares_4GB/, /past the end of the file/],
  [/^not_a_checkpoint/, /web page/],
  [/^pickle_billion_laughs/, /no tensors/],
  [/^st_(overlap|hole)/, /tensor "b"/],
  [
    /^st_(bad_dtype|dtype_number|missing_field|float_shape|negative|size_mismatch|end_before|beyond)/,
    /tensor "a"/,
  ],
  [/^st_duplicate_key/, /"a" appears twice/],
  [/^st_metadata_not_strings/, /__metadata__\.a/],
];

interface Outcome {
  readonly file: string;
  readonly code: string | null;
  readonly message: string;
  readonly milliseconds: number;
}

/** Reads every file in one process of its own, whose memory can be measured. */
const READER = `
  const { existsSync, readFileSync } = await import('node:fs');
  const [dist, folder, ...files] = process.argv.slice(1);
  // Linux knows the peak of this process alone; maxRSS is handed down from the process that started it.
  const memory = () => existsSync('/proc/self/status')
    ? 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
    : process.memoryUsage.rss();
  // Processor time: on a busy machine the clock would measure the others.
  const cpuMilliseconds = (since) => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1000;
  };
  let peak = 0;
  const { readCheckpoint } = await import(dist);
  const outcomes = [];
  for (const file of files) {
    const start = process.cpuUsage();
    let code = null, message;
    try {
      message = [...(await readCheckpoint(folder + '/' + file)).tensors.keys()].join();
    } catch (error) {
      code = error.name === 'RevatError' ? error.code : 'crash';
      message = error.message;
    }
    peak = Math.max(peak, memory());
    outcomes.push({ file, code, message, milliseconds: cpuMilliseconds(start) });
  }
  const polluted = Object.keys(Object.prototype).length > 0 || 'polluted' in {};
  console.log(JSON.stringify({ outcomes, polluted, peak }));
`;

describe('hostile files', () => {
  let outcomes: Outcome[] = [];
  let polluted = true;
  let peak = Infinity;

  beforeAll(async () => {
    const dist = path.join(__dirname, '../dist/weights/checkpoint.js');
    const names = files.map(({ file }) => file);
    const args = ['--input-type=module', '-e', READER, dist, fixture('hostile'), ...names];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
    ({ outcomes, polluted, peak } = JSON.parse(stdout) as {
      outcomes: Outcome[];
      polluted: boolean;
      peak: number;
    });
  }, 60_000);

  test('the manifest covers every file', () => {
    const present = readdirSync(fixture('hostile')).filter((file) => file !== 'manifest.json');
    expect(files.map(({ file }) => file).sort()).toEqual(present.sort());
  });

  test.each(files)('$file: $what', ({ file }) => {
    const outcome = outcomes.find((candidate) => candidate.file === file)!;
    expect(outcome.milliseconds).toBeLessThan(1000);
    const tensors = HARMLESS.get(file);
    if (tensors !== undefined) {
      expect(outcome).toMatchObject({ code: null, message: tensors.join() });
      return;
    }
    expect(outcome.code).toBe('invalid-file');
    expect(outcome.message).toContain(file);
    const [, named] = NAMES.find(([pattern]) => pattern.test(file)) ?? [];
    if (named !== undefined) expect(outcome.message).toMatch(named);
  });

  test('nothing is executed: the marker file does not exist', () => {
    expect(existsSync(marker)).toBe(false);
  });

  test('no prototype is polluted', () => {
    expect(polluted).toBe(false);
  });

  test('all of them together stay below 200 MB, Node itself included', () => {
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(200e6);
  });
});
