/**
 * Tells tfjs-core's specification which backend to test. The specification reads this while its modules load, so it is a
 * module of its own that is imported before it.
 */
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';

const { backendName, flags } = JSON.parse(process.env.REVAT_CONFORMANCE);

setTestEnvs([{ name: backendName, backendName, flags, isDataSync: true }]);
