// node index-in-child.mjs FOLDER: indexes the folder; prints the time that took and the memory of this process as JSON.
import { imageFolder } from '@revat/data';

const MIB = 2 ** 20;

const startMiB = process.memoryUsage().rss / MIB;
const start = performance.now();
const { length } = imageFolder(process.argv[2]);
const seconds = (performance.now() - start) / 1000;
console.log(
  JSON.stringify({
    files: length,
    seconds,
    startMiB,
    peakMiB: (process.resourceUsage().maxRSS * 1024) / MIB,
  }),
);
