export { type AdaptiveOptions, type AdaptiveStrategy, adaptive } from './adaptive.js';
export type { Learned, LearnedResource, Measured } from './learned.js';
