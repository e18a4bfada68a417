import type { TaskRunner } from '@stratagem/core';
import { withTimeLimit } from '@stratagem/core/provider';
import type { OpenAI } from 'openai';
import { askChat } from './chat.js';
import { createClient, isOpenAI, requireKey } from './client.js';
import { checkOpenAIOptions, type OpenAIOptions } from './options.js';
import { askResponses } from './responses.js';

const DEFAULT_MODEL = 'gpt-6.1-sol';

/**
 * A runner that asks a model of OpenAI, or of any server that speaks its protocol. Answers are
 * streamed: each piece becomes a `task_output` event. Every attempt is one request; the SDK does
 * not retry behind the executor's back.
 *
 * Attempts fail with a `RunnerError`, whose `cause` is the SDK's error. Of an answer that was
 * `refused`, `truncated` or broken off, the text so far is in the task's `task_output` events.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const executor = createExecutor({
 *   strategy: parallel({ maxParallel: 5 }),
 *   runner: openai({ model: 'gpt-6.1-sol' }),
 * });
 */
export function openai(options: OpenAIOptions = {}): TaskRunner {
  checkOpenAIOptions(options);
  const { model = DEFAULT_MODEL, timeoutMs } = options;
  let connecting: Promise<OpenAI> | undefined;

  return {
    name: 'openai',
    resource: `openai/${model}`,
    async run({ prompt }, context) {
      if (connecting === undefined) requireKey(options);
      connecting ??= createClient(options);
      const client = await connecting;
      const api = options.api ?? (isOpenAI(client.baseURL) ? 'responses' : 'chat');
      const ask = api === 'chat' ? askChat : askResponses;
      const { emit } = context;
      return withTimeLimit(context, timeoutMs ?? client.timeout, (signal, timeout) =>
        ask({ client, model, prompt, options, emit, request: { signal, timeout, maxRetries: 0 } }),
      );
    },
  };
}
