import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * A process that measures: it greets with one JSON line, then answers one JSON request a line,
 * `{ module, function, arguments }`, with `{ result }` or `{ error }`. `torch/serve.py` and `engine/serve.mjs` speak this,
 * so a benchmark can ask PyTorch and the engine for one step in turn.
 */
export class StepServer {
  /** Starts a server; rejects if it does not greet. */
  static async start(command, args, { env = {} } = {}) {
    const server = new StepServer(command, args, env);
    server.greeting = await server.#read();
    return server;
  }

  #child;
  #lines;
  #errors = '';

  constructor(command, args, env) {
    this.#child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (text) => (this.#errors = (this.#errors + text).slice(-4000)));
    this.#child.stdin.on('error', () => {}); // The missing reply says it.
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.started = once(this.#child, 'spawn');
  }

  /** The result of a function of a module on the other side. */
  async call(module, name, args = {}) {
    this.#child.stdin.write(`${JSON.stringify({ module, function: name, arguments: args })}\n`);
    const { result, error } = await this.#read();
    if (error !== undefined) throw new Error(error);
    return result;
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin.end();
    await once(this.#child, 'close');
  }

  async #read() {
    await this.started;
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`The measuring process ended.\n${this.#errors}`);
    return JSON.parse(value);
  }
}
