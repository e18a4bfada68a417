import type { Anthropic } from '@anthropic-ai/sdk';
import type {
  MessageBatch,
  MessageBatchIndividualResponse,
  MessageBatchResult,
} from '@anthropic-ai/sdk/resources/messages/batches';
import type { TaskRunner } from '@stratagem/core';
import {
  type BatchCall,
  type BatchOptions,
  type BatchResult,
  type LiveOption,
  listedJobs,
  NO_RETRIES,
  type SdkBatchApi,
  type SentJob,
  sdkBatchRunner,
} from '@stratagem/core/batch';
import { RunnerError, requireComplete, ServerFailure, type Turn } from '@stratagem/core/runner';
import { readMessage } from './answer.js';
import type { AnthropicTarget } from './context.js';
import type { AnthropicOptions } from './options.js';
import { ANTHROPIC } from './sdk.js';
import { ANTHROPIC_WIRE } from './wire-mapping.js';

export interface AnthropicBatchOptions extends Omit<AnthropicOptions, LiveOption>, BatchOptions {}

/**
 * A runner over Anthropic's Message Batches API, at half the price and within a day. Ready tasks are
 * collected into a job, and each result completes its task. With a `stateFile`, the jobs of an
 * earlier process are found again. Tasks with tools are not possible.
 *
 * A job contains at most the tasks that run at the same time, so give strategy and run
 * `maxParallel: Infinity`.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = anthropicBatch({ model: 'claude-sonnet-5-5', stateFile: 'batches.json' });
 * const executor = createExecutor({ strategy: parallel({ maxParallel: Infinity }), runner });
 */
export function anthropicBatch(options: AnthropicBatchOptions = {}): TaskRunner {
  return sdkBatchRunner(ANTHROPIC, ANTHROPIC_WIRE, BATCH_API, options);
}

type BatchParams = Parameters<Anthropic['messages']['batches']['create']>[0];

const BATCH_API: SdkBatchApi<AnthropicTarget> = {
  // The limits of the API: 100,000 requests and 256 MB, of which a part is left free.
  maxRequests: 100_000,
  maxBytes: 240_000_000,
  backendOf(target, call) {
    const { batches } = target.client.messages;
    return {
      submit: (requests) =>
        call(async () => {
          const params = requests.map(({ customId, body }) => ({
            custom_id: customId,
            params: body,
          }));
          const job = await batches.create({ requests: params } as BatchParams, NO_RETRIES);
          return job.id;
        }),
      find: (sent) => call(() => findJob(sent, target, call)),
      poll: (jobId) =>
        call(async () => {
          const { processing_status: status } = await batches.retrieve(jobId, {}, NO_RETRIES);
          if (status !== 'ended') return { ended: false };
          return { ended: true, results: () => resultsOf(jobId, target, call) };
        }),
      cancel: (jobId) => call(async () => void (await batches.cancel(jobId, {}, NO_RETRIES))),
    };
  },
};

/** How far the clocks of two machines may be apart. */
const CLOCK_ERROR_MS = 3_600_000;

/**
 * A job has no metadata, and shows the ids of its requests only in its results. So the jobs of that time with as
 * many requests are the ones that it may be, until they have ended.
 */
async function findJob(
  { sentAt, requests, isOther }: SentJob,
  target: AnthropicTarget,
  call: BatchCall,
): Promise<string | string[]> {
  const { batches } = target.client.messages;
  const running: string[] = [];
  for await (const job of listedJobs(() => batches.list({ limit: 100 }, NO_RETRIES))) {
    const { id, created_at: createdAt, request_counts: counts } = job;
    const sinceMs = Date.parse(createdAt) - sentAt;
    if (sinceMs < -CLOCK_ERROR_MS) break;
    const { processing, succeeded, errored, canceled, expired } = counts;
    const size = processing + succeeded + errored + canceled + expired;
    if (sinceMs > CLOCK_ERROR_MS || size !== requests.size || isOther(id)) continue;
    if (job.processing_status !== 'ended') running.unshift(id);
    else if (await hasRequests(job, requests, target, call)) return id;
  }
  return running;
}

async function hasRequests(
  { id, results_url: url }: MessageBatch,
  requests: ReadonlySet<string>,
  target: AnthropicTarget,
  call: BatchCall,
): Promise<boolean> {
  if (url === null) return false;
  for await (const { customId } of resultsOf(id, target, call)) return requests.has(customId);
  return false;
}

async function* resultsOf(
  jobId: string,
  target: AnthropicTarget,
  call: BatchCall,
): AsyncGenerator<BatchResult> {
  const { batches } = target.client.messages;
  const results = await call(async () => batches.results(jobId, {}, NO_RETRIES));
  const iterator = results[Symbol.asyncIterator]();
  for (;;) {
    const next = await call<IteratorResult<MessageBatchIndividualResponse>>(
      () => iterator.next(),
      true,
    );
    if (next.done) return;
    const { custom_id: customId, result } = next.value;
    yield { customId, read: () => call(async () => turnOf(result, target), true) };
  }
}

function turnOf(result: MessageBatchResult, { label, model, options }: AnthropicTarget): Turn {
  const fail = (code: RunnerError['code'], problem: string) =>
    new RunnerError(code, `${label}: ${problem}`, { model });
  switch (result.type) {
    case 'succeeded': {
      const answer = readMessage(result.message);
      requireComplete(answer, { label, model, maxOutputTokens: options.maxOutputTokens });
      return answer;
    }
    case 'expired':
      throw fail('timeout', 'the request expired before its batch reached it');
    case 'canceled':
      throw fail('rejected', 'the request was canceled with its batch');
    case 'errored':
      throw new ServerFailure(result.error);
    default: {
      const { type } = Object(result) as { type?: unknown };
      throw fail('server_error', `the batch has a result of an unknown type: ${String(type)}`);
    }
  }
}
