/** The tfjs backends that the golden cases run on: tfjs's own cpu backend, and the ONNX engine of @revat/backend. */
import '@tensorflow/tfjs-backend-cpu';
import { useBackend } from '@revat/backend';
import * as tf from '@tensorflow/tfjs-core';

export function backendsUnderTest(): string[] {
  return process.env.REVAT_BACKEND ? [process.env.REVAT_BACKEND] : ['cpu', 'onnx'];
}

export async function useTestBackend(name: string): Promise<void> {
  if (name === 'onnx') await useBackend('onnx');
  else await tf.setBackend(name);
  await tf.ready();
}
