import { serveAttempts } from '@stratagem/bullmq';
import type { TaskRunner } from '@stratagem/core';
import { type Job, Worker } from 'bullmq';
import { connectionOf } from './connection.js';

/** A worker of one of the contenders, whose attempts and jobs do nothing. Runs until it is killed. */
const [contender = '', url = '', queue = '', concurrency = ''] = process.argv.slice(2);

const runner: TaskRunner = { name: 'nothing', run: async () => ({ output: 'done' }) };

if (contender === 'stratagem') {
  await serveAttempts({ url, queue, runner, concurrency: Number(concurrency) });
} else {
  const { options, factory } = await connectionOf(url);
  const work = async (_: Job) => 'done';
  const given = { ...options, concurrency: Number(concurrency) };
  const worker = new Worker(queue, work, given, factory as never);
  worker.on('error', () => {});
  await worker.waitUntilReady();
}
process.send?.('ready');
