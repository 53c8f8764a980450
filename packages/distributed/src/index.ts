export { createFolder, writeFileAtomically, writeJsonAtomically } from './atomic-file.js';
export { inferShard, parseShard, WHOLE, type Shard } from './shard.js';
