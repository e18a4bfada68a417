import { checkOptions, type TaskRunner } from '@stratagem/core';
import { converse, withTimeLimit } from '@stratagem/core/provider';
import { connector } from './client.js';
import { formatOf } from './format.js';
import { messagesDialogue } from './messages.js';
import {
  ANTHROPIC_OPTIONS,
  type AnthropicOptions,
  checkAnthropicOptions,
  DEFAULT_MAX_OUTPUT_TOKENS,
  DEFAULT_MODEL,
  settingsOf,
} from './options.js';

/**
 * A runner that asks a model of Anthropic, through the Messages API. Answers are streamed: each
 * piece becomes a `task_output` event. A task's schema becomes the API's structured output, and its
 * tools are called until the model answers. Every request is made once; the SDK does not retry
 * behind the executor's back.
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
  checkOptions('anthropic()', options, ANTHROPIC_OPTIONS);
  checkAnthropicOptions(options, 'anthropic()');
  const { model = DEFAULT_MODEL, maxOutputTokens = DEFAULT_MAX_OUTPUT_TOKENS } = options;
  const { timeoutMs, maxSteps = 20 } = options;
  const connect = connector(options);

  return {
    name: 'anthropic',
    resource: `anthropic/${model}`,
    settings: settingsOf(options),
    supportsTools: true,
    async run(request, context) {
      const client = await connect();
      const format = await formatOf(request, options);
      return withTimeLimit(context, timeoutMs ?? client.timeout, (signal, timeout) => {
        const dialogue = messagesDialogue({
          client,
          model,
          maxOutputTokens,
          options,
          format,
          tools: request.tools ?? [],
          emit: context.emit,
          request: { signal, timeout, maxRetries: 0 },
        });
        return converse(request, context, dialogue, { ...format, maxSteps, signal });
      });
    },
  };
}
