import { checkOptions, type TaskRunner } from '@stratagem/core';
import { converse, withTimeLimit } from '@stratagem/core/provider';
import { chatDialogue } from './chat.js';
import { connector, isOpenAI } from './client.js';
import { formatOf } from './format.js';
import {
  checkOpenAIOptions,
  DEFAULT_MODEL,
  OPENAI_OPTIONS,
  type OpenAIOptions,
  settingsOf,
} from './options.js';
import { responsesDialogue } from './responses.js';

/**
 * A runner that asks a model of OpenAI, or of any server that speaks its protocol. Answers are
 * streamed: each piece becomes a `task_output` event. A task's schema becomes the API's structured
 * output, and its tools are called until the model answers. Every request is made once; the SDK
 * does not retry behind the executor's back.
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
  checkOptions('openai()', options, OPENAI_OPTIONS);
  checkOpenAIOptions(options, 'openai()');
  const { model = DEFAULT_MODEL, timeoutMs, maxSteps = 20 } = options;
  const connect = connector(options);

  return {
    name: 'openai',
    resource: `openai/${model}`,
    settings: settingsOf(options),
    supportsTools: true,
    async run(request, context) {
      const client = await connect();
      const api = options.api ?? (isOpenAI(client.baseURL) ? 'responses' : 'chat');
      const format = await formatOf(request, { api, client, options });
      return withTimeLimit(context, timeoutMs ?? client.timeout, (signal, timeout) => {
        const dialogueOf = api === 'chat' ? chatDialogue : responsesDialogue;
        const dialogue = dialogueOf({
          client,
          model,
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
