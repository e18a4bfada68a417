import type { RunContext } from '../contract/run-context.js';
import type { RunnerPricing, TaskOutput, TaskRequest, TaskRunner } from '../contract/runner.js';
import { aboutAttachments } from './attachments.js';
import type { BatchBackend } from './batch-backend.js';
import type { BatchOptions } from './batch-options.js';
import { BatchQueue } from './batch-queue.js';
import type { Turn } from './conversation.js';
import { retryableOnce } from './retryable-once.js';

/** The body that is sent for a request, and the reading of its answer. */
export interface PreparedRequest {
  readonly body: object;
  readonly outputOf: (turn: Turn) => TaskOutput;
}

/** The part of {@link batchRunner} that a provider implements. */
export interface BatchProvider {
  readonly name: string;
  readonly resource: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly supportedOptions?: readonly string[] | undefined;
  readonly pricing?: RunnerPricing | undefined;
  /** Called at the first request: it may need a key, or an SDK that loads slowly. */
  readonly connect: () => Promise<BatchBackend>;
  readonly prepare: (request: TaskRequest) => Promise<PreparedRequest>;
}

/**
 * A runner over a Batch API. It collects requests into jobs, polls the jobs, and gives each task its
 * result.
 */
export function batchRunner(provider: BatchProvider, options: BatchOptions): TaskRunner {
  const { name, resource, settings, supportedOptions, pricing, connect, prepare } = provider;
  const queueOf = retryableOnce(async () => new BatchQueue(await connect(), options));
  return {
    name,
    resource,
    settings,
    supportsTools: false,
    ...(supportedOptions && { supportedOptions }),
    ...(pricing && { pricing }),
    async check() {
      await queueOf();
    },
    async run(request: TaskRequest, context: RunContext): Promise<TaskOutput> {
      const queue = await queueOf();
      const { body, outputOf } = await prepare(request);
      const notify = (message: string) => {
        context.emit({ kind: 'notice', source: name, message });
      };
      const { attachments } = request;
      const turn = await queue.answer(body, context.signal, notify, (thrown) =>
        attachments === undefined ? thrown : aboutAttachments(thrown, attachments, true),
      );
      const output = outputOf(turn);
      if (turn.text !== '') await context.emit(turn.text);
      return output;
    },
  };
}
