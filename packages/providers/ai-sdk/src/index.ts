export { aiSdk } from './ai-sdk.js';
export type { AiSdkOptions, ProviderOptions } from './options.js';
