const { TestEnvironment } = require('jest-environment-node');

/**
 * Jest runs each test file in a VM context of its own, with its own Float32Array, Error, Map ... . A native add-on (ONNX
 * Runtime, sharp) and Node's own modules hand out objects of the outer context, so `instanceof Float32Array` fails on a
 * tensor that the add-on returned, and the add-on refuses one that the test made. The cure, for every test at once: the
 * context gets the outer context's typed arrays, and packages with a native add-on are loaded outside it, once.
 */
const OUTER_REALM_GLOBALS = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
];

class NativeEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of OUTER_REALM_GLOBALS) this.global[name] = globalThis[name];
    this.global.requireInOuterRealm = (name) => require(name);
  }
}

module.exports = NativeEnvironment;
