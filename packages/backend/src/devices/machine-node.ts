import { readFileSync } from 'node:fs';
import os from 'node:os';

import type { Machine } from './machine.js';

let known: Machine | undefined;

/** The machine as Node and, on Linux, /proc and the control group describe it. Asked once. */
export function describeMachine(): Machine {
  return (known ??= {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: usableCores(),
    memoryBytes: Math.min(os.totalmem(), process.constrainedMemory?.() || Infinity),
    platform: `${process.platform} ${process.arch}`,
    host: `node ${process.versions.node}`,
  });
}

function usableCores(): number {
  const cores = Math.min(physicalCores() ?? Infinity, os.availableParallelism(), cpuQuota());
  return Math.max(1, Math.floor(cores));
}

/** Distinct (socket, core) pairs; two threads of one core gain nothing in matrix multiplication. */
function physicalCores(): number | undefined {
  const text = readText('/proc/cpuinfo');
  const sockets = [...text.matchAll(/^physical id\s*:\s*(\d+)$/gm)];
  const cores = [...text.matchAll(/^core id\s*:\s*(\d+)$/gm)];
  if (cores.length === 0 || cores.length !== sockets.length) return undefined;
  return new Set(cores.map(([, core], i) => `${sockets[i][1]} ${core}`)).size;
}

/** Processors that a container's quota amounts to (control groups, version 2: "quota period", microseconds). */
function cpuQuota(): number {
  const [quota, period] = readText('/sys/fs/cgroup/cpu.max').split(' ').map(Number);
  return quota > 0 && period > 0 ? quota / period : Infinity;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
