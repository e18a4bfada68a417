export { type AdaptiveOptions, type AdaptiveStrategy, adaptive } from './adaptive.js';
export type { Learned, LearnedResource } from './learned.js';
