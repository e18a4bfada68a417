// Creates the runner of a separate process.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { aiSdk } from '../dist/index.js';

export function create({ apiKey, baseURL, timeoutMs }) {
  const provider = createOpenAICompatible({ name: 'test', apiKey, baseURL });
  return aiSdk(provider.chatModel('a-model'), { timeoutMs });
}
