import { engineModel } from '../onnx/engine-model.js';
import { GraphBuilder } from '../onnx/graph-builder.js';
import { BLOCKED_DOMAIN } from '../onnx/model-writer.js';
import type { EngineModel, EngineSession } from './session-runtime.js';

/** AVX-512 machines compute on blocks of 16 channels, AVX2 ones on 8. */
const CANDIDATES = [16, 8];

/**
 * The number of channels in a block of ONNX Runtime's NCHWc operators on this machine, or 0 where it lacks them. Asked
 * by reordering one pixel row of as many channels as the candidate: only the true block (or a multiple) comes back
 * with the pixels of one block side by side.
 */
export async function probeChannelBlock(
  createSession: (model: EngineModel) => EngineSession | Promise<EngineSession>,
): Promise<number> {
  for (const block of CANDIDATES) {
    try {
      if (await reordersInBlocksOf(block, createSession)) return block;
    } catch {
      return 0; // This build has no such operators.
    }
  }
  return 0;
}

async function reordersInBlocksOf(
  block: number,
  createSession: (model: EngineModel) => EngineSession | Promise<EngineSession>,
): Promise<boolean> {
  const graph = new GraphBuilder();
  const pixels = 2;
  const image = graph.input('float32', [1, 1, pixels, block]);
  const blocked = graph.op('ReorderInput', [image], [1, block, 1, pixels], {
    attributes: { channels_last: 1 },
    domain: BLOCKED_DOMAIN,
  });
  graph.output(blocked);
  const session = await createSession(engineModel(graph));
  try {
    const channelsLast = Float32Array.from({ length: pixels * block }, (_, i) => i);
    const [reordered] = await session.runAsync([channelsLast]);
    return reordered.every((value, i) => value === i);
  } finally {
    session.dispose();
  }
}
