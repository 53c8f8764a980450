import { diagnoseDevices, type DeviceDiagnosis } from '@revat/backend';
import type { Command } from 'commander';

import { describeDevice, startEngine } from '../engine.js';
import { backendOption, threadsOption } from '../options.js';

interface DoctorOptions {
  backend: string;
  threads?: number;
  json?: boolean;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'What computes here: the machine, every backend and provider, whether it works and what to do if not.',
    )
    .addOption(backendOption())
    .addOption(threadsOption())
    .option('--json', 'print JSON')
    .action(doctor);
}

async function doctor(options: DoctorOptions): Promise<void> {
  const devices = await diagnoseDevices();
  const chosen = await startEngine(options);
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ chosen, devices }, null, 2)}\n`);
    return;
  }
  const { cpu, cores, memoryBytes, platform, host } = chosen.machine;
  const memory = (memoryBytes / 2 ** 30).toFixed(1);
  const lines = [
    `machine   ${cpu}, ${cores} cores, ${memory} GiB, ${platform}, ${host}`,
    `chosen    ${describeDevice(chosen)}`,
    ...chosen.notes.map((note) => `          ${note}`),
    ...devices.map(deviceLine),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function deviceLine({ backend, provider, usable, remark, advice }: DeviceDiagnosis): string {
  const name = provider ? `${backend} (${provider})` : backend;
  const hint = usable || !advice ? '' : `. To use it: ${advice}`;
  return `${usable ? 'works    ' : '-        '} ${name}: ${remark}${hint}`;
}
