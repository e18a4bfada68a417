export { type OpenAIBatchOptions, openaiBatch } from './batch.js';
export { openai } from './openai.js';
export type { OpenAIOptions } from './options.js';
