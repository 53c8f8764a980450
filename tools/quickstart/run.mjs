// The quickstart as a user runs it, killed, interrupted and bereft of a process in its evaluation, and resumed: the accuracies and the memory that it
// promises, the files that it names, a report without anything from outside, and a second resume that computes nothing and agrees.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { ROOT } from '../check/public-packages.mjs';

const COMMAND = path.join(ROOT, 'packages/cli/dist/main.js');
const scratch = mkdtempSync(path.join(os.tmpdir(), 'revat-quickstart-'));
const out = path.join(scratch, 'run');
const MEMORY_LIMIT = 2 * 2 ** 30;
let peakBytes = 0;
const results = () => JSON.parse(readFileSync(path.join(out, 'results.json'), 'utf8'));

try {
  await killDuringEvaluation();
  await interruptDuringEvaluation();
  await loseAProcess();
  await resume();
  const first = results();
  checkAccuracies(first);
  checkFiles(first);
  const seconds = await resume();
  assert.deepEqual(results().models, first.models);
  console.log(
    `resumed a finished run in ${seconds.toFixed(1)} s; at most ${(peakBytes / 2 ** 20).toFixed(0)} MiB of memory`,
  );
  console.log('quickstart: all well');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Starts the run and kills it when the journals of the adversarially trained model appear. */
async function killDuringEvaluation() {
  const { reason } = await runCommand([], (child) => {
    if (existsSync(path.join(out, 'evaluation/convstem-adversarial'))) child.kill('SIGKILL');
  });
  assert.equal(reason, 'SIGKILL', 'the quickstart ended before it was killed');
}

/** A second Ctrl-C ends the run at once, and is no crash of the processes that compute. */
async function interruptDuringEvaluation() {
  const { reason } = await runCommand(['--resume'], (child) => {
    if (childrenOf(child.pid).length > 0) child.kill('SIGINT');
  });
  assert.equal(reason, 130);
}

/** A process that dies is an error in one line, and the run can go on. */
async function loseAProcess() {
  if (!existsSync('/proc/self')) return;
  let isLost = false;
  const { reason } = await runCommand(['--resume'], (child) => {
    const [first] = childrenOf(child.pid);
    if (first && !isLost) isLost = process.kill(first, 'SIGKILL');
  });
  assert.equal(reason, 1);
}

async function resume() {
  const started = performance.now();
  const { reason } = await runCommand(['--resume']);
  assert.equal(reason, 0);
  return (performance.now() - started) / 1000;
}

/** Runs to the end, watches the memory and calls `watch` a few times a second. Gives the exit code or the signal. */
async function runCommand(options, watch = () => undefined) {
  const args = [COMMAND, 'quickstart', ...options, '--out', out];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(child.pid));
    watch(child);
  }, 200);
  const reason = await ended;
  clearInterval(timer);
  assert.ok(peakBytes < MEMORY_LIMIT, `${(peakBytes / 2 ** 20).toFixed(0)} MiB of memory`);
  return { reason };
}

/** Resident memory of a process and those that it started; 0 where the system does not tell it in files. */
function residentBytes(pid) {
  const own = Number(/VmRSS:\s*(\d+)/.exec(readIfThere(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
  return childrenOf(pid).reduce((sum, child) => sum + residentBytes(child), own);
}

function childrenOf(pid) {
  return readIfThere(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function checkAccuracies({ models }) {
  const robust = Object.fromEntries(models.map(({ id, threats }) => [id, threats[0].robust.accuracy]));
  const clean = Object.fromEntries(models.map((model) => [model.id, model.clean.accuracy]));
  const [before, after] = [robust['convstem-clean'], robust['convstem-fine-tuned']];
  assert.ok(clean['convstem-adversarial'] >= 0.95, `clean accuracy ${clean['convstem-adversarial']}`);
  assert.ok(after >= 0.6 && after - before >= 0.4, `robust accuracy ${after}, clean-trained ${before}`);
}

function checkFiles({ files, pictures }) {
  const named = [
    ...files.map((file) => file.path),
    ...pictures.flatMap((picture) => Object.values(picture.files)),
  ];
  for (const file of named) assert.ok(existsSync(path.join(out, file)), `${file} is missing`);
  assert.ok(pictures.length > 0, 'no pictures');
  const report = readFileSync(path.join(out, 'report.html'), 'utf8');
  const outside =
    /(?:src|href)\s*=\s*["']?(?:https?:)?\/\/[^"'\s>]*|url\(\s*["']?https?:[^)]*|@import[^;]*/i.exec(report);
  assert.equal(outside?.[0], undefined, 'the report asks for something outside');
}
