import * as tf from '@tensorflow/tfjs-core';

/** What the "onnx" backend of @revat/backend can do and others cannot. */
interface FreezingBackend {
  freeze(dataIds: readonly object[]): void;
}

/**
 * Has the backend build the values of all variables into its plans, where it can. The engine would do so by itself after
 * some runs, and then round differently than before: an evaluation that was resumed, whose engine is new, could differ in
 * the last digit from one that ran through. A variable that is assigned a value later thaws by itself.
 */
export function freezeVariables(): void {
  const backend: object = tf.backend();
  if (!canFreeze(backend)) return;
  const variables = Object.values(tf.engine().state.registeredVariables).filter(({ size }) => size > 1);
  backend.freeze(variables.map(({ dataId }) => dataId));
}

function canFreeze(backend: object): backend is FreezingBackend {
  return 'freeze' in backend && typeof backend.freeze === 'function';
}
