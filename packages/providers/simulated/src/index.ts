export type { LognormalLatency, SimulatedOptions, SimulatedPromptCache } from './options.js';
export { simulated } from './simulated.js';
