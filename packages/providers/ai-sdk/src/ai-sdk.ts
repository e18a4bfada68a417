import type { TaskRunner } from '@stratagem/core';
import { withTimeLimit } from '@stratagem/core/provider';
import type { LanguageModel } from 'ai';
import { converse } from './conversation.js';
import {
  type AiSdkOptions,
  checkAiSdkOptions,
  DEFAULT_TIMEOUT_MS,
  labelOf,
  settingsOf,
} from './options.js';

/**
 * A runner that asks a language model of the Vercel AI SDK, whoever provides it. Answers are
 * streamed: each piece becomes a `task_output` event. A task's schema becomes the SDK's structured
 * output, and its tools are called until the model answers. Every request is made once; the SDK does
 * not retry behind the executor's back.
 *
 * Attempts fail with a `RunnerError`, whose `cause` is the SDK's error. Of an answer that was
 * `refused`, `truncated` or broken off, the text so far is in the task's `task_output` events.
 *
 * @param model Of any provider's package, or an id at the SDK's gateway: `'anthropic/claude-…'`.
 * @throws {OptionError} when the model is none, or an option is unknown or out of range.
 *
 * @example
 * import { mistral } from '@ai-sdk/mistral';
 *
 * const executor = createExecutor({
 *   strategy: parallel({ maxParallel: 5 }),
 *   runner: aiSdk(mistral('mistral-large-latest')),
 * });
 */
export function aiSdk(model: LanguageModel, options: AiSdkOptions = {}): TaskRunner {
  checkAiSdkOptions(model, options);
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return {
    name: 'ai-sdk',
    resource: labelOf(model),
    settings: settingsOf(model, options),
    supportsTools: true,
    run: (request, context) =>
      withTimeLimit(context, timeoutMs, (signal) =>
        converse(request, context, { model, options }, signal),
      ),
  };
}
