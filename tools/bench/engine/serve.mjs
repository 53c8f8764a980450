/**
 * The engine's side of a benchmark: the counterpart of ../torch/serve.py. Requests name a function of the modules beside
 * this file: `{"module": "network-step", "function": "prepare", "arguments": {...}}`.
 */
import { createInterface } from 'node:readline';

const reply = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

reply({ version: process.version });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  try {
    const module = await import(`./${request.module}.mjs`);
    reply({ result: await module[request.function](request.arguments) });
  } catch (error) {
    reply({ error: error.stack });
  }
}
process.exit(0);
