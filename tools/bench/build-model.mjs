// Seconds to build full-size networks with all their initial values, wall clock and processor time, best of three.
// node tools/bench/build-model.mjs [name:stem ...]      one JSON object a line
import { useBackend } from '@revat/backend';
import { createModel } from '@revat/models';

const wanted = process.argv.slice(2);
const networks = wanted.length > 0 ? wanted : ['convnext_tiny:conv', 'convnext_base:conv'];

await useBackend('auto');
for (const network of networks) {
  const [name, stem] = network.split(':');
  const runs = Array.from({ length: 3 }, (_, seed) => build(name, stem, seed));
  const best = (key) => Math.min(...runs.map((run) => run[key]));
  console.log(
    JSON.stringify({ name, stem, seconds: best('seconds'), processorSeconds: best('processorSeconds') }),
  );
}

function build(name, stem, seed) {
  const [start, processor] = [performance.now(), process.cpuUsage()];
  const model = createModel(name, { stem, seed });
  const { user, system } = process.cpuUsage(processor);
  const seconds = (performance.now() - start) / 1e3;
  model.dispose();
  return { seconds, processorSeconds: (user + system) / 1e6 };
}
