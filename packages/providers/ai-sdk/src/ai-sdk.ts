import type { TaskRunner } from '@stratagem/core';
import {
  attachmentSupport,
  definedFields,
  FormatLadder,
  mergeCallOptions,
  pricingOf,
  shownHeaders,
  withAttachmentErrors,
  withPricing,
  withTimeLimit,
} from '@stratagem/core/runner';
import type { LanguageModel } from 'ai';
import { conversation } from './conversation.js';
import {
  AI_SDK_TASK_OPTIONS,
  type AiSdkOptions,
  checkAiSdkOptions,
  labelOf,
  pricedModelOf,
} from './options.js';

const DEFAULT_TIMEOUT_MS = 600_000;

/**
 * A runner for any language model of the Vercel AI SDK. Answers are streamed where somebody reads them:
 * each piece becomes a `task_output` event. A task's schema becomes the SDK's structured output, and its tools are called
 * until the model answers. The SDK's retries are off, so that the log shows every request.
 *
 * Attempts fail with a `RunnerError`, whose `cause` is the SDK's error. The text of a `refused`,
 * `truncated` or interrupted answer is in the task's `task_output` events.
 *
 * @param model A model of a provider's package, or an id at the SDK's gateway: `'anthropic/claude-…'`.
 * @throws {OptionError} when the model is not one, or an option is unknown or out of range.
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
  const { secrets: _, timeoutMs = DEFAULT_TIMEOUT_MS, ...others } = options;
  const { toolCallConcurrency: __, stream: ___, headers, ...settings } = others;
  const label = labelOf(model);
  const ladder = new FormatLadder('ai-sdk');
  const pricing = pricingOf(pricedModelOf(model));
  return {
    name: 'ai-sdk',
    resource: label,
    settings: definedFields({
      model: label,
      ...settings,
      headers: headers && shownHeaders(headers),
    }),
    supportsTools: true,
    // The packages of providers know which types they send; their errors say so.
    supportedOptions: [...AI_SDK_TASK_OPTIONS, ...attachmentSupport(['*/*'])],
    pricing: pricing.known,
    run: (request, context) =>
      withTimeLimit(context, timeoutMs, (signal) =>
        withPricing(pricing, () =>
          withAttachmentErrors(request.attachments, () =>
            conversation(
              request,
              context,
              { model, options: mergeCallOptions(options, request.options), ladder },
              signal,
            ),
          ),
        ),
      ),
  };
}
