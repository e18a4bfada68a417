import type { Anthropic } from '@anthropic-ai/sdk';
import type { BodyContext, RequestContext, SdkTarget } from '@stratagem/core/runner';
import type { Format } from './format.js';
import type { AnthropicOptions } from './options.js';

export type AnthropicTarget = SdkTarget<Anthropic, AnthropicOptions>;
export type AnthropicBodyContext = BodyContext<Anthropic, AnthropicOptions, Format>;
export type AnthropicRequestContext = RequestContext<Anthropic, AnthropicOptions, Format>;
