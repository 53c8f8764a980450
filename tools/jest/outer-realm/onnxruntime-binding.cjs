module.exports = globalThis.requireInOuterRealm('onnxruntime-node/dist/binding.js');
