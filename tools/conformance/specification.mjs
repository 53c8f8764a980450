/**
 * tfjs-core's own specification, which ships in its npm package, with the backends under test. These deep imports are
 * allowed here alone: tfjs-core exports its tests in no other way.
 */
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-backend-cpu';
import './test-environment.mjs';
import '@tensorflow/tfjs-core/dist/tests.js';
