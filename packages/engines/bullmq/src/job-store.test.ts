import { type AttemptCall, encodeValue } from '@stratagem/core/kernel';
import { expect, test } from 'vitest';
import { deferred } from '../test/bench.js';
import type { Engine } from './engine.js';
import { JobStore } from './job-store.js';
import { carrierSettings } from './options.js';

test('a job is on its way once, and is removed after it has arrived', async () => {
  const steps: string[] = [];
  const arrived = deferred();
  const queue = {
    async add() {
      steps.push('add');
      await arrived.promise;
      steps.push('added');
    },
    async remove() {
      steps.push('remove');
      return 1;
    },
  };
  const engine = { queue: () => queue } as unknown as Engine;
  const settings = carrierSettings('test', { url: 'redis://host' });
  const jobs = new JobStore(engine, settings, 'here', expect.unreachable);
  const call: AttemptCall = {
    ...{ key: 'run/a/1', runId: 'run', taskId: 'a', attempt: 1, attemptsLeft: 1, resource: 'r' },
    ...{ priority: 0, criticalPath: 1 },
    work: { kind: 'function', plan: 'p', inputs: encodeValue({}) },
  };
  jobs.add(call);
  jobs.add(call);
  await null;
  // A sweep that finds no job, because it has not arrived.
  jobs.add(call);
  jobs.forget(call.key, call.resource);
  await null;
  arrived.resolve();
  await jobs.settle();
  expect(steps).toEqual(['add', 'added', 'remove']);
  // One that was lost afterwards is added again.
  jobs.add(call);
  await null;
  expect(steps[3]).toBe('add');
});

test('a forgotten job that cannot be removed is reported: a worker would begin it again', async () => {
  const kept: string[] = [];
  const answers = [1, 0];
  const queue = {
    async remove() {
      const answer = answers.shift();
      if (answer === undefined) throw new Error('the server is away');
      return answer;
    },
  };
  const engine = { queue: () => queue } as unknown as Engine;
  const settings = carrierSettings('test', { url: 'redis://host' });
  const jobs = new JobStore(engine, settings, 'here', (key) => kept.push(key));
  for (const key of ['removed', 'locked', 'failed']) jobs.forget(key, 'r');
  await jobs.settle();
  expect(kept).toEqual(['locked', 'failed']);
});
