/**
 * TensorFlow.js keeps the gradients of its kernels apart from `@tensorflow/tfjs-core`, whose build for Node has no entry
 * point for them: only `@tensorflow/tfjs-layers` brings and registers them. Without this import, `tf.grad` throws
 * "gradient function not found" unless the application happens to load that package itself.
 */
import '@tensorflow/tfjs-layers';
