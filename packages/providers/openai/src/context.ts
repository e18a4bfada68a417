import type { BodyContext, RequestContext, SdkTarget } from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import type { Format } from './format.js';
import type { OpenAIOptions } from './options.js';
import { isOpenAI } from './sdk.js';

export type OpenAITarget = SdkTarget<OpenAI, OpenAIOptions>;
export type OpenAIBodyContext = BodyContext<OpenAI, OpenAIOptions, Format>;
export type OpenAIRequestContext = RequestContext<OpenAI, OpenAIOptions, Format>;

/** The API that the requests of a runner go to. */
export function apiOf({ client, options }: OpenAITarget): 'responses' | 'chat' {
  return options.api ?? (isOpenAI(client) ? 'responses' : 'chat');
}
