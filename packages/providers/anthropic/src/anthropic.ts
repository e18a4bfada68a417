import type { Anthropic } from '@anthropic-ai/sdk';
import type { TaskRunner } from '@stratagem/core';
import { withTimeLimit } from '@stratagem/core/provider';
import { createClient } from './client.js';
import { ask } from './messages.js';
import { type AnthropicOptions, checkAnthropicOptions } from './options.js';

const DEFAULT_MODEL = 'claude-sonnet-5-5';
/** The API wants a limit. Enough for long answers with reasoning, and within reach of any model. */
const DEFAULT_MAX_OUTPUT_TOKENS = 32_000;

/**
 * A runner that asks a model of Anthropic, through the Messages API. Answers are streamed: each
 * piece becomes a `task_output` event. Every attempt is one request; the SDK does not retry behind
 * the executor's back.
 *
 * Attempts fail with a `RunnerError`, whose `cause` is the SDK's error. Of an answer that was
 * `refused`, `truncated` or broken off, the text so far is in the task's `task_output` events.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const executor = createExecutor({
 *   strategy: parallel({ maxParallel: 5 }),
 *   runner: anthropic({ model: 'claude-sonnet-5-5' }),
 * });
 */
export function anthropic(options: AnthropicOptions = {}): TaskRunner {
  checkAnthropicOptions(options);
  const { model = DEFAULT_MODEL, maxOutputTokens = DEFAULT_MAX_OUTPUT_TOKENS, timeoutMs } = options;
  let connecting: Promise<Anthropic> | undefined;

  return {
    name: 'anthropic',
    resource: `anthropic/${model}`,
    async run({ prompt }, context) {
      connecting ??= createClient(options);
      const client = await connecting;
      const { emit } = context;
      const question = { client, model, prompt, maxOutputTokens, options, emit };
      return withTimeLimit(context, timeoutMs ?? client.timeout, (signal, timeout) =>
        ask({ ...question, request: { signal, timeout, maxRetries: 0 } }),
      );
    },
  };
}
