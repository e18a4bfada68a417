import type { TaskRunner } from '@stratagem/core';
import {
  type BatchCall,
  type BatchOptions,
  type BatchProgress,
  type LiveOption,
  listedJobs,
  NO_RETRIES,
  type SdkBatchApi,
  sdkBatchRunner,
} from '@stratagem/core/batch';
import { codeOfApiError, RunnerError, shortenWords } from '@stratagem/core/runner';
import type { Batch } from 'openai/resources/batches';
import { readResults } from './batch-results.js';
import { apiOf, type OpenAITarget } from './context.js';
import type { OpenAIOptions } from './options.js';
import { OPENAI } from './sdk.js';
import { OPENAI_WIRE } from './wire-mapping.js';

export interface OpenAIBatchOptions extends Omit<OpenAIOptions, LiveOption>, BatchOptions {}

/**
 * A runner over OpenAI's Batch API, at half the price and within a day. Ready tasks are collected
 * into a job, and each result completes its task. With a `stateFile`, the jobs of an earlier process
 * are found again. Tasks with tools are not possible.
 *
 * A job contains at most the tasks that run at the same time, so give strategy and run
 * `maxParallel: Infinity`.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = openaiBatch({ model: 'gpt-6.1-sol', stateFile: 'batches.json' });
 * const executor = createExecutor({ strategy: parallel({ maxParallel: Infinity }), runner });
 */
export function openaiBatch(options: OpenAIBatchOptions = {}): TaskRunner {
  return sdkBatchRunner(OPENAI, OPENAI_WIRE, BATCH_API, options);
}

const BATCH_API: SdkBatchApi<OpenAITarget> = {
  // The limits of the API: 50,000 requests and 200 MB, of which a part is left free.
  maxRequests: 50_000,
  maxBytes: 190_000_000,
  backendOf(target, call) {
    const { batches, files } = target.client;
    const endpoint = apiOf(target) === 'chat' ? '/v1/chat/completions' : '/v1/responses';
    return {
      submit: (requests, key) =>
        call(async () => {
          const lines = requests.map(({ customId, body }) =>
            JSON.stringify({ custom_id: customId, method: 'POST', url: endpoint, body }),
          );
          const file = new File([`${lines.join('\n')}\n`], 'requests.jsonl');
          const input = await files.create({ file, purpose: 'batch' }, NO_RETRIES);
          const job = await batches.create(
            {
              ...{ input_file_id: input.id, endpoint, completion_window: '24h' },
              ...(key !== undefined && { metadata: { [KEY]: key } }),
            },
            NO_RETRIES,
          );
          return job.id;
        }),
      find: ({ key, sentAt }) =>
        call(async () => {
          const oldest = (sentAt - CLOCK_ERROR_MS) / 1_000;
          const jobs = listedJobs(() => batches.list({ limit: 100 }, NO_RETRIES));
          // The newest first.
          for await (const { id, created_at: createdAt, metadata } of jobs) {
            if (metadata?.[KEY] === key) return id;
            if (createdAt < oldest) break;
          }
          return [];
        }),
      poll: (jobId) =>
        call(async () => progressOf(await batches.retrieve(jobId, NO_RETRIES), target, call)),
      cancel: (jobId) => call(async () => void (await batches.cancel(jobId, NO_RETRIES))),
    };
  },
};

/** Where the metadata of a job has its key. */
const KEY = 'stratagem_key';
/** How far the clocks of two machines may be apart. */
const CLOCK_ERROR_MS = 3_600_000;

const ENDED = ['completed', 'failed', 'expired', 'cancelled'];

function progressOf(job: Batch, target: OpenAITarget, call: BatchCall): BatchProgress {
  if (!ENDED.includes(statusOf(job))) return { ended: false };
  return {
    ended: true,
    results: () => resultsOf(job, target, call),
    problem: problemOf(job, target),
  };
}

/** Some servers write it in capitals, or in American English. */
function statusOf({ status }: Batch): string {
  return String(status).toLowerCase().replace('canceled', 'cancelled');
}

async function* resultsOf(
  { output_file_id: output, error_file_id: errors }: Batch,
  target: OpenAITarget,
  call: BatchCall,
) {
  for (const file of [output, errors]) {
    if (file === undefined || file === null) continue;
    const content = await call(async () => target.client.files.content(file, NO_RETRIES));
    const text = await call(() => content.text(), true);
    yield* readResults(text, target, call);
  }
}

/** The error of requests without a result. */
function problemOf(job: Batch, { label, model }: OpenAITarget): RunnerError | undefined {
  const { id, errors } = job;
  const status = statusOf(job);
  const fail = (code: RunnerError['code'], problem: string) =>
    new RunnerError(code, `${label}: batch ${id} ${problem}`, { model });
  if (status === 'expired') return fail('timeout', 'expired before it was done');
  if (status === 'cancelled') return fail('rejected', 'was canceled');
  if (status !== 'failed') return undefined;
  const data = errors?.data ?? [];
  const reasons = data.flatMap(({ message }) => message ?? []).slice(0, 5);
  const isQueueFull = data.some((error) => codeOfProblem(error) === 'rate_limited');
  return fail(
    isQueueFull ? 'rate_limited' : 'invalid_request',
    `was refused: ${shortenWords(reasons.join('; ')) || 'no reason was given'}`,
  );
}

/** A job whose tokens do not fit into the queue has a code of its own. */
function codeOfProblem({ code, message }: { code?: string | null; message?: string | null }) {
  if (code === 'token_limit_exceeded') return 'rate_limited';
  return codeOfApiError([code], undefined, message ?? '');
}
