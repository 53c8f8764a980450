module.exports = globalThis.requireInOuterRealm('onnxruntime-node');
