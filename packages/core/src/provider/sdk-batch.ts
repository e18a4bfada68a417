import { checkOptions } from '../contract/check-options.js';
import { citationsOf } from '../contract/citation.js';
import { attachmentSupport } from '../contract/media-type.js';
import type { TaskRunner } from '../contract/runner.js';
import { serverToolCallsOf } from '../contract/server-tool-call.js';
import { batchRunner } from './batch.js';
import type { BatchBackend } from './batch-backend.js';
import { BATCH_OPTIONS, type BatchOptions, checkBatchOptions } from './batch-options.js';
import { type AnswerFormat, parseAnswer, promptOf } from './conversation.js';
import { definedFields } from './defined-fields.js';
import type { SdkOptions } from './model-options.js';
import type { Sdk, SdkClient, SdkTarget, WireMapping } from './sdk.js';
import { sdkRunnerError } from './sdk-errors.js';
import { connectionOf, targetFor } from './sdk-runner.js';

/**
 * Runs one request of a batch API; its failure becomes a `RunnerError`.
 *
 * @param answering Whether the answer has begun.
 */
export type BatchCall = <T>(send: () => Promise<T>, answering?: boolean) => Promise<T>;

/** The batch API of a provider. */
export interface SdkBatchApi<Target> extends Pick<BatchBackend, 'maxRequests' | 'maxBytes'> {
  backendOf(
    target: Target,
    call: BatchCall,
  ): Pick<BatchBackend, 'submit' | 'find' | 'poll' | 'cancel'>;
}

/** Options of requests that the SDK must not retry. */
export const NO_RETRIES = { maxRetries: 0 } as const;

/** Batches cost half as much. */
const BATCH_SHARE = 0.5;

/** A batch request has no time limit, no tools and no headers. */
export type LiveOption =
  | 'timeoutMs'
  | 'maxSteps'
  | 'toolCallConcurrency'
  | 'toolChoice'
  | 'headers'
  | 'stream'
  | 'serviceTier';

/** A record, so that the compiler finds a missing name. */
const LIVE: Readonly<Record<LiveOption, true>> = {
  timeoutMs: true,
  maxSteps: true,
  toolCallConcurrency: true,
  toolChoice: true,
  headers: true,
  stream: true,
  serviceTier: true,
};
const LIVE_OPTIONS: readonly string[] = Object.keys(LIVE);

/**
 * A runner over the batch API of a provider.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 */
export function sdkBatchRunner<
  Client extends SdkClient,
  Options extends SdkOptions<Client>,
  Format extends AnswerFormat,
>(
  sdk: Sdk<Client>,
  wire: WireMapping<Client, Options, Format>,
  { maxRequests, maxBytes, backendOf }: SdkBatchApi<SdkTarget<Client, Options>>,
  options: Options & BatchOptions,
): TaskRunner {
  const owner = `${sdk.name}Batch()`;
  const names = wire.optionNames.filter((name) => !LIVE_OPTIONS.includes(name));
  checkOptions(owner, options, [...names, ...BATCH_OPTIONS]);
  checkBatchOptions(owner, options);
  const connection = connectionOf(owner, sdk, wire, options, BATCH_SHARE);
  const { label, model, settings, pricing, pricingOf, connect } = connection;
  const name = `${sdk.name}-batch`;
  return batchRunner(
    {
      name,
      resource: `${name}/${model}`,
      settings,
      supportedOptions: [
        // A job holds requests to one model.
        ...wire.taskOptions.filter((option) => ![...LIVE_OPTIONS, 'model'].includes(option)),
        `providerOptions.${sdk.name}`,
        ...attachmentSupport(wire.attachmentTypes),
      ],
      pricing: pricing.known,
      async connect() {
        const target = await connect();
        const call: BatchCall = async (send, answering = false) => {
          try {
            return await send();
          } catch (thrown) {
            throw sdkRunnerError(thrown, target, { answering });
          }
        };
        return { label, maxRequests, maxBytes, ...backendOf(target, call) };
      },
      async prepare(request) {
        const target = targetFor(await connect(), request);
        const pricing = pricingOf(target.model);
        const [format] = await wire.formatsOf(request.outputSchema, target);
        const prompt = promptOf(request, format);
        return {
          body: wire.promptBody(prompt, { ...target, format, tools: [] }, request.attachments),
          // A tier of service would change a price that the batch has set.
          outputOf: ({ text, serviceTier: _, ...turn }) => {
            const output = parseAnswer(text, request, format);
            const { usage, costUsd, model: answered, requestId, ...own } = pricing.withCost(turn);
            return {
              output,
              ...definedFields({ usage, costUsd, model: answered, requestId }),
              ...definedFields({
                citations: citationsOf(own.citations),
                serverToolCalls: serverToolCallsOf(own.serverToolCalls),
              }),
            };
          },
        };
      },
    },
    options,
  );
}
