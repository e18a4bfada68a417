export { type ParallelOptions, parallel } from './parallel.js';
