/** Optional peers: they need not be installed, so neither need their types be. */
declare module '@tensorflow/tfjs-backend-webgl';
declare module '@tensorflow/tfjs-backend-webgpu';
declare module '@tensorflow/tfjs-node';
declare module '@tensorflow/tfjs-node-gpu';
