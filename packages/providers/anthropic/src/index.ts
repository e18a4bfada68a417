export { anthropic } from './anthropic.js';
export { type AnthropicBatchOptions, anthropicBatch } from './batch.js';
export type { AnthropicOptions } from './options.js';
