export { inferShard, parseShard, WHOLE, type Shard } from './shard.js';
