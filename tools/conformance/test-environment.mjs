/**
 * Tells tfjs-core's specification which backend to test. The specification reads this while its modules load, so it is a
 * module of its own that is imported before it.
 */
import { registerOnnxBackend } from '@revat/backend';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';

const { backendName, options } = JSON.parse(process.env.REVAT_CONFORMANCE);

if (backendName === 'onnx') registerOnnxBackend(options);
setTestEnvs([{ name: backendName, backendName, isDataSync: true }]);
