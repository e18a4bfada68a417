import { type FlowJob, FlowProducer, Worker } from 'bullmq';
import type { Tree } from './tree.js';

const QUEUE = 'benchmark';

/** Runs the tree as a flow in a worker of this process. Returns the time until its last job. */
export async function runFlow(
  tree: Tree,
  port: number,
  task: (id: string) => Promise<string>,
  concurrency: number,
): Promise<number> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const flows = new FlowProducer({ connection });
  const worker = new Worker(QUEUE, ({ name }) => task(name), { connection, concurrency });
  await Promise.all([flows.waitUntilReady(), worker.waitUntilReady()]);
  const ended = new Promise<void>((resolve, reject) => {
    worker.on('completed', (job) => {
      if (job.name === tree.id) resolve();
    });
    worker.on('failed', (_, error) => reject(error));
    worker.on('error', reject);
  });
  const began = performance.now();
  await flows.add(flowOf(tree));
  await ended;
  const took = performance.now() - began;
  await worker.close();
  await flows.close();
  return took;
}

function flowOf({ id, children }: Tree): FlowJob {
  return { name: id, queueName: QUEUE, data: {}, children: children.map(flowOf) };
}
