export { type LognormalLatency, type SimulatedOptions, simulated } from './simulated.js';
