import { setTimeout as realTime } from 'node:timers/promises';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { RunnerError } from '../src/contract/errors.js';
import type {
  BatchBackend,
  BatchProgress,
  BatchRequest,
  SentJob,
} from '../src/provider/batch-backend.js';
import type { BatchQueue } from '../src/provider/batch-queue.js';

/** A provider whose jobs end when a test ends them. */
export class FakeProvider implements BatchBackend {
  readonly label = 'fake/m';
  maxRequests = 1_000;
  maxBytes = 1_000_000;
  readonly jobs = new Map<string, readonly BatchRequest[]>();
  readonly canceled: string[] = [];
  readonly polls: string[] = [];
  readonly ended = new Set<string>();
  /** The next errors of submitting and polling. */
  readonly failures: unknown[] = [];
  problem: RunnerError | undefined;
  /** The answer to a request of a job that has ended; undefined for no result. */
  answer: (body: { n: number }, customId: string) => string | Error | undefined = ({ n }) => `${n}`;

  /** What happens between the creation of a job and the answer with its id. */
  created: () => Promise<void> = async () => {};
  /** Answers `find`. */
  found: (sent: SentJob) => Promise<string | readonly string[]> = async ({ key }) =>
    [...this.keys].find(([, each]) => each === key)?.[0] ?? [];
  readonly keys = new Map<string, string | undefined>();
  finds = 0;

  async submit(requests: readonly BatchRequest[], key: string | undefined): Promise<string> {
    this.#fail();
    const id = `job-${this.jobs.size + 1}`;
    this.jobs.set(id, requests);
    this.keys.set(id, key);
    await this.created();
    return id;
  }

  async find(sent: SentJob): Promise<string | readonly string[]> {
    this.finds++;
    this.#fail();
    return this.found(sent);
  }

  async poll(jobId: string): Promise<BatchProgress> {
    this.polls.push(jobId);
    this.#fail();
    if (!this.ended.has(jobId)) return { ended: false };
    const requests = [...(this.jobs.get(jobId) ?? [])].reverse();
    const { answer, problem } = this;
    return {
      ended: true,
      ...(problem && { problem }),
      async *results() {
        for (const { customId, body } of requests) {
          const said = answer(body as { n: number }, customId);
          if (said === undefined) continue;
          const read = () => {
            if (said instanceof Error) throw said;
            return { text: said };
          };
          yield { customId, read };
        }
      },
    };
  }

  async cancel(jobId: string): Promise<void> {
    this.canceled.push(jobId);
  }

  #fail(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }

  endAll(): void {
    for (const id of this.jobs.keys()) this.ended.add(id);
  }
}

export const quick = { batchWindowMs: 10, pollMs: 100 };

/** Sends these requests, and collects their answers or errors. */
export function ask(
  queue: BatchQueue,
  numbers: readonly number[],
  signal = new AbortController().signal,
) {
  const notices: string[] = [];
  const answers = numbers.map((n) =>
    queue
      .answer({ n }, signal, (message) => notices.push(message))
      .then(
        ({ text }) => text,
        (error: RunnerError) => error,
      ),
  );
  return { answers: Promise.all(answers), notices };
}

/** Waits for work without timers: hashes and file operations run in other threads. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await crypto.subtle.digest('SHA-256', new Uint8Array(1));
    await realTime(2);
  }
}

export async function pass(ms: number): Promise<void> {
  await settle();
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

/** Time passes only where a test says so; no timer may be left. */
export function useFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
}
