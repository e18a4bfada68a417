import type { Anthropic } from '@anthropic-ai/sdk';
import type {
  MessageBatchIndividualResponse,
  MessageBatchResult,
} from '@anthropic-ai/sdk/resources/messages/batches';
import { checkOptions, RunnerError, type TaskRequest, type TaskRunner } from '@stratagem/core';
import {
  answerOf as answerIn,
  BATCH_OPTIONS,
  type BatchBackend,
  type BatchOptions,
  type BatchResult,
  batchRunner,
  checkBatchOptions,
  type Turn,
} from '@stratagem/core/provider';
import { answerOf, toTurn } from './answer.js';
import { connector } from './client.js';
import { codeOfBody, type ErrorBody, toRunnerError } from './errors.js';
import { formatOf } from './format.js';
import { messagesBody } from './messages.js';
import {
  ANTHROPIC_OPTIONS,
  type AnthropicOptions,
  checkAnthropicOptions,
  DEFAULT_MAX_OUTPUT_TOKENS,
  DEFAULT_MODEL,
  settingsOf,
} from './options.js';

export interface AnthropicBatchOptions
  extends Omit<AnthropicOptions, 'timeoutMs' | 'maxSteps'>,
    BatchOptions {}

const OWNER = 'anthropicBatch()';
const NOT_HERE = ['timeoutMs', 'maxSteps'];
const OPTIONS = [...ANTHROPIC_OPTIONS.filter((name) => !NOT_HERE.includes(name)), ...BATCH_OPTIONS];
/** What the Batch API takes, with some room. */
const LIMITS = { maxRequests: 100_000, maxBytes: 240_000_000 };

/**
 * A runner over Anthropic's Message Batches API, at half the price and within a day: ready tasks are
 * gathered into a job, and each result completes its task. With a `stateFile`, the jobs of an earlier
 * process are found again. Tasks with tools cannot be done this way.
 *
 * A job holds the tasks that are in flight: give strategy and run `maxParallel: Infinity`.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = anthropicBatch({ model: 'claude-sonnet-5-5', stateFile: 'batches.json' });
 * const executor = createExecutor({ strategy: parallel({ maxParallel: Infinity }), runner });
 */
export function anthropicBatch(options: AnthropicBatchOptions = {}): TaskRunner {
  checkOptions(OWNER, options, OPTIONS);
  checkAnthropicOptions(options, OWNER);
  checkBatchOptions(OWNER, options);
  const { model = DEFAULT_MODEL, maxOutputTokens = DEFAULT_MAX_OUTPUT_TOKENS } = options;
  const connect = connector(options);

  return batchRunner(
    {
      name: 'anthropic-batch',
      resource: `anthropic-batch/${model}`,
      settings: settingsOf(options),
      async connect() {
        const client = await connect();
        return backendOf({ client, model, maxOutputTokens, options });
      },
      async prepare(request: TaskRequest) {
        const format = await formatOf(request, options);
        const content = format.schemaIn === 'request' ? request.plainPrompt : request.prompt;
        const question = { model, maxOutputTokens, options, format, tools: [] };
        return {
          body: messagesBody([{ role: 'user', content }], question),
          finish: ({ text, usage, model: answered }) => ({
            output: answerIn(text, request, format),
            ...(usage !== undefined && { usage }),
            ...(answered !== undefined && { model: answered }),
          }),
        };
      },
    },
    options,
  );
}

/** Whom to ask, and how. */
interface Target {
  readonly client: Anthropic;
  readonly model: string;
  readonly maxOutputTokens: number;
  readonly options: AnthropicOptions;
}

/** Sends something, and says in our words what goes wrong with it. */
type Told = <T>(send: () => Promise<T>, answering?: boolean) => Promise<T>;

/** Requests are made once: whoever waits for a job asks again. */
const ONCE = { maxRetries: 0 };

type BatchParams = Parameters<Anthropic['messages']['batches']['create']>[0];

function backendOf(target: Target): BatchBackend {
  const { batches } = target.client.messages;
  const told: Told = async (send, answering = false) => {
    try {
      return await send();
    } catch (thrown) {
      throw toRunnerError(thrown, target, { requestId: undefined, answering });
    }
  };
  return {
    label: `anthropic/${target.model}`,
    ...LIMITS,
    submit: (requests) =>
      told(async () => {
        const params = requests.map(({ customId, body }) => ({
          custom_id: customId,
          params: body,
        }));
        const job = await batches.create({ requests: params } as BatchParams, ONCE);
        return job.id;
      }),
    poll: (jobId) =>
      told(async () => {
        const { processing_status: status } = await batches.retrieve(jobId, {}, ONCE);
        if (status !== 'ended') return { ended: false };
        return { ended: true, results: () => resultsOf(jobId, target, told) };
      }),
    cancel: (jobId) => told(async () => void (await batches.cancel(jobId, {}, ONCE))),
  };
}

async function* resultsOf(jobId: string, target: Target, told: Told): AsyncGenerator<BatchResult> {
  const { batches } = target.client.messages;
  const results = await told(async () => batches.results(jobId, {}, ONCE));
  const iterator = results[Symbol.asyncIterator]();
  for (;;) {
    const next = await told<IteratorResult<MessageBatchIndividualResponse>>(
      () => iterator.next(),
      true,
    );
    if (next.done) return;
    const { custom_id: customId, result } = next.value;
    yield { customId, read: () => turnOf(result, target) };
  }
}

function turnOf(result: MessageBatchResult, target: Target): Turn {
  const { model } = target;
  const fail = (code: RunnerError['code'], what: string) =>
    new RunnerError(code, `anthropic/${model}: ${what}`, { model });
  switch (result.type) {
    case 'succeeded':
      return toTurn(answerOf(result.message), target, { requestId: undefined });
    case 'expired':
      throw fail('timeout', 'the request expired: its batch had no time for it');
    case 'canceled':
      throw fail('rejected', 'the request was canceled with its batch');
    case 'errored': {
      const body = result.error as unknown as ErrorBody;
      throw fail(codeOfBody(body), body.error?.message ?? 'the request failed');
    }
  }
}
