export { openai } from './openai.js';
export type { OpenAIOptions } from './options.js';
