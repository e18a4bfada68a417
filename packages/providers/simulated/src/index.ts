export type { LognormalLatency, SimulatedOptions } from './options.js';
export { simulated } from './simulated.js';
