import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { bullmqCarrier } from '@stratagem/bullmq';
import { createExecutor, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { Queue, QueueEvents } from 'bullmq';
import { connectionOf } from './connection.js';

/** What carries tasks that do nothing from this process to workers, and tells it that they have ended. */
export interface Contender {
  readonly name: string;
  /** Milliseconds for so many tasks, of which at most `atOnce` are on their way. */
  run(count: number, atOnce: number): Promise<number>;
  close(): Promise<void>;
}

const WORKERS = 2;
let queues = 0;

/** Runs of a plan without dependencies, over the carrier. */
export async function stratagem(url: string, concurrency: number): Promise<Contender> {
  const queue = `scale-${process.pid}-${++queues}`;
  const workers = await startWorkers('stratagem', url, queue, concurrency);
  const carrier = bullmqCarrier({ url, queue });
  await carrier.ready();
  const runner: TaskRunner = { name: 'nothing', run: async () => ({ output: '' }) };
  return {
    name: 'stratagem',
    async run(count, atOnce) {
      const tasks = Array.from({ length: count }, (_, n) => ({ id: `t${n}`, description: 'x' }));
      const strategy = parallel({ maxParallel: atOnce });
      const executor = createExecutor({ strategy, runner, carrier, timeline: 'stream' });
      const start = performance.now();
      await executor.execute({ goal: 'scale', tasks }).orThrow();
      return performance.now() - start;
    },
    async close() {
      await carrier.close();
      for (const worker of workers) worker.kill('SIGKILL');
    },
  };
}

/** Jobs of BullMQ alone, whose ends its own events tell. */
export async function bare(url: string, concurrency: number): Promise<Contender> {
  const queue = `scale-${process.pid}-${++queues}`;
  const workers = await startWorkers('bare', url, queue, concurrency);
  const connections = [await connectionOf(url), await connectionOf(url)] as const;
  const [{ options, factory }, forEvents] = connections;
  const jobs = new Queue(queue, options, factory as never);
  const events = new QueueEvents(queue, forEvents.options, factory as never);
  const waiting = new Map<string, () => void>();
  events.on('completed', ({ jobId }) => waiting.get(jobId)?.());
  await events.waitUntilReady();
  let added = 0;
  const one = async () => {
    const jobId = `job-${++added}`;
    const ended = new Promise<void>((resolve) => waiting.set(jobId, resolve));
    await jobs.add('job', { prompt: 'x' }, { jobId, removeOnComplete: true });
    await withLost(ended, async () => (await jobs.getJobState(jobId)) === 'unknown');
    waiting.delete(jobId);
  };
  return {
    name: 'BullMQ alone',
    async run(count, atOnce) {
      const start = performance.now();
      let left = count;
      const lane = async () => {
        while (left-- > 0) await one();
      };
      await Promise.all(Array.from({ length: atOnce }, lane));
      return performance.now() - start;
    },
    async close() {
      await events.close();
      await jobs.close();
      for (const each of connections) await each.close();
      for (const worker of workers) worker.kill('SIGKILL');
    },
  };
}

/** Waits for an event, which its store may lose: then a look says that the job is gone. */
async function withLost(ended: Promise<void>, isGone: () => Promise<boolean>): Promise<void> {
  let isOver = false;
  const looks = async () => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (isOver || (await isGone())) return;
    }
  };
  await Promise.race([ended, looks()]);
  isOver = true;
}

async function startWorkers(
  contender: string,
  url: string,
  queue: string,
  concurrency: number,
): Promise<ChildProcess[]> {
  const file = new URL('./worker-child.js', import.meta.url);
  const args = [contender, url, queue, `${concurrency}`];
  const workers = Array.from({ length: WORKERS }, () => fork(file, args));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  return workers;
}
