import { checkOptions, RunnerError, type TaskRequest, type TaskRunner } from '@stratagem/core';
import {
  answerOf as answerIn,
  BATCH_OPTIONS,
  type BatchBackend,
  type BatchOptions,
  type BatchProgress,
  batchRunner,
  checkBatchOptions,
} from '@stratagem/core/provider';
import type { OpenAI } from 'openai';
import type { Batch } from 'openai/resources/batches';
import { readResults } from './batch-results.js';
import { chatBody, openingOf } from './chat.js';
import { connector, isOpenAI } from './client.js';
import { toRunnerError } from './errors.js';
import { formatOf } from './format.js';
import {
  checkOpenAIOptions,
  DEFAULT_MODEL,
  OPENAI_OPTIONS,
  type OpenAIOptions,
  settingsOf,
} from './options.js';
import { responsesBody } from './responses.js';

export interface OpenAIBatchOptions
  extends Omit<OpenAIOptions, 'timeoutMs' | 'maxSteps'>,
    BatchOptions {}

const OWNER = 'openaiBatch()';
const NOT_HERE = ['timeoutMs', 'maxSteps'];
const OPTIONS = [...OPENAI_OPTIONS.filter((name) => !NOT_HERE.includes(name)), ...BATCH_OPTIONS];
/** What the Batch API takes, with some room. */
const LIMITS = { maxRequests: 50_000, maxBytes: 190_000_000 };

/**
 * A runner over OpenAI's Batch API, at half the price and within a day: ready tasks are gathered into
 * a job, and each result completes its task. With a `stateFile`, the jobs of an earlier process are
 * found again. Tasks with tools cannot be done this way.
 *
 * A job holds the tasks that are in flight: give strategy and run `maxParallel: Infinity`.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = openaiBatch({ model: 'gpt-6.1-sol', stateFile: 'batches.json' });
 * const executor = createExecutor({ strategy: parallel({ maxParallel: Infinity }), runner });
 */
export function openaiBatch(options: OpenAIBatchOptions = {}): TaskRunner {
  checkOptions(OWNER, options, OPTIONS);
  checkOpenAIOptions(options, OWNER);
  checkBatchOptions(OWNER, options);
  const { model = DEFAULT_MODEL } = options;
  const connect = connector(options);
  const apiOf = (client: OpenAI) =>
    options.api ?? (isOpenAI(client.baseURL) ? 'responses' : 'chat');

  return batchRunner(
    {
      name: 'openai-batch',
      resource: `openai-batch/${model}`,
      settings: settingsOf(options),
      async connect() {
        const client = await connect();
        return backendOf({ client, model, options, api: apiOf(client) });
      },
      async prepare(request: TaskRequest) {
        const client = await connect();
        const api = apiOf(client);
        const format = await formatOf(request, { api, client, options });
        const text = format.schemaIn === 'request' ? request.plainPrompt : request.prompt;
        const question = { client, model, options, format, tools: [] };
        const body =
          api === 'chat'
            ? chatBody([...openingOf(options), { role: 'user', content: text }], question)
            : responsesBody([{ type: 'message', role: 'user', content: text }], question);
        return {
          body,
          finish: ({ text: said, usage, model: answered, requestId }) => ({
            output: answerIn(said, request, format),
            ...(usage !== undefined && { usage }),
            ...(answered !== undefined && { model: answered }),
            ...(requestId !== undefined && { requestId }),
          }),
        };
      },
    },
    options,
  );
}

/** Whom to ask, and how. */
export interface BatchTarget {
  readonly client: OpenAI;
  readonly model: string;
  readonly options: OpenAIOptions;
  readonly api: 'responses' | 'chat';
}

/** Sends something, and says in our words what goes wrong with it. */
type Told = <T>(send: () => Promise<T>, answering?: boolean) => Promise<T>;

/** Requests are made once: whoever waits for a job asks again. */
const ONCE = { maxRetries: 0 };

function backendOf(target: BatchTarget): BatchBackend {
  const { client, model, api } = target;
  const endpoint = api === 'chat' ? '/v1/chat/completions' : '/v1/responses';
  const told: Told = async (send, answering = false) => {
    try {
      return await send();
    } catch (thrown) {
      throw toRunnerError(thrown, target, { requestId: undefined, answering });
    }
  };
  return {
    label: `openai/${model}`,
    ...LIMITS,
    submit: (requests) =>
      told(async () => {
        const lines = requests.map(({ customId, body }) =>
          JSON.stringify({ custom_id: customId, method: 'POST', url: endpoint, body }),
        );
        const file = new File([`${lines.join('\n')}\n`], 'requests.jsonl');
        const input = await client.files.create({ file, purpose: 'batch' }, ONCE);
        const job = await client.batches.create(
          { input_file_id: input.id, endpoint, completion_window: '24h' },
          ONCE,
        );
        return job.id;
      }),
    poll: (jobId) =>
      told(async () => progressOf(await client.batches.retrieve(jobId, ONCE), target, told)),
    cancel: (jobId) => told(async () => void (await client.batches.cancel(jobId, ONCE))),
  };
}

function progressOf(job: Batch, target: BatchTarget, told: Told): BatchProgress {
  switch (job.status) {
    case 'completed':
    case 'failed':
    case 'expired':
    case 'cancelled': {
      const problem = problemOf(job, target);
      return {
        ended: true,
        results: () => resultsOf(job, target, told),
        ...(problem !== undefined && { problem }),
      };
    }
    default:
      return { ended: false };
  }
}

async function* resultsOf(
  { output_file_id: output, error_file_id: errors }: Batch,
  target: BatchTarget,
  told: Told,
) {
  for (const file of [output, errors]) {
    if (file === undefined || file === null) continue;
    const content = await told(async () => target.client.files.content(file, ONCE));
    const text = await told(() => content.text(), true);
    yield* readResults(text, target);
  }
}

/** Why requests of a job have no result. */
function problemOf({ id, status, errors }: Batch, { model }: BatchTarget): RunnerError | undefined {
  const fail = (code: RunnerError['code'], what: string) =>
    new RunnerError(code, `openai/${model}: batch ${id} ${what}`, { model });
  if (status === 'expired') return fail('timeout', 'was not done in time');
  if (status === 'cancelled') return fail('rejected', 'was canceled');
  if (status !== 'failed') return undefined;
  const why = (errors?.data ?? []).flatMap(({ message }) => message ?? []).slice(0, 5);
  return fail('invalid_request', `was refused: ${why.join('; ') || 'no reason was given'}`);
}
