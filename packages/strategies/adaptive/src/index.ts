export { type AdaptiveOptions, type AdaptiveStrategy, adaptive } from './adaptive.js';
export type { ByType, Learned, LearnedResource, Likely } from './estimate/learned.js';
