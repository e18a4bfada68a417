import { createExecutor, type Plan } from '@stratagem/core';
import {
  type Coordinator,
  type RunQueue,
  startCoordinator,
  submitRun,
} from '@stratagem/core/coordinator';
import { memoryRunQueue } from '@stratagem/core/journal';
import { parallel } from '@stratagem/parallel';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as servers from '../load/open-server.js';
import * as streams from '../output/streams.js';
import { createProgram } from '../program.js';

let queue: RunQueue;
let said: string[];
let coordinator: Coordinator | undefined;

beforeEach(() => {
  said = [];
  queue = memoryRunQueue();
  vi.spyOn(streams, 'write').mockImplementation(async (_, text) => said.push(String(text)) > 0);
  // A command closes its queue.
  const shared = { ...queue, close: async () => {} };
  vi.spyOn(servers, 'openServerJournal').mockResolvedValue(shared);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await coordinator?.stop();
  coordinator = undefined;
});

/** Resolves when the run has told an event of this type. */
function coordinateUntil(type: string): Promise<void> {
  return new Promise((resolve) => {
    coordinator = startCoordinator({
      queue,
      executor: createExecutor({ strategy: parallel() }),
      async onRun(run) {
        for await (const event of run) if (event.type === type) resolve();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
  });
}

async function stratagem(...args: string[]): Promise<number | undefined> {
  let exitCode: number | undefined;
  const program = createProgram((code) => {
    exitCode = code;
  });
  await program.parseAsync(['--no-config', ...args, '--engine', 'postgres://host'], {
    from: 'user',
  });
  return exitCode;
}

const plan: Plan = {
  goal: 'ask',
  tasks: [
    { id: 'ok', description: 'Ok?', waitFor: 'approval' },
    {
      id: 'count',
      description: 'How many?',
      waitFor: 'answer',
      outputSchema: { type: 'integer' } as never,
    },
    { id: 'title', description: 'Which?', waitFor: 'answer' },
  ],
};

async function eventTypes(): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of queue.read('run-a')) types.push(type);
  return types;
}

test('questions of a run elsewhere are answered, each as its task wants it', async () => {
  await submitRun(queue, plan, { runId: 'run-a' });
  await coordinateUntil('task_waiting');
  expect(
    await stratagem(
      'answer',
      'run',
      '--approve',
      'ok',
      '--answer',
      'count=5',
      '--answer',
      'title=5',
    ),
  ).toBe(0);
  expect(said).toEqual([
    'run-a: task "ok" is approved\n',
    'run-a: task "count" is answered\n',
    'run-a: task "title" is answered\n',
  ]);
  const outputs: unknown[] = [];
  for await (const { type, output } of queue.read('run-a')) {
    if (type === 'task_completed') outputs.push(output);
  }
  expect(outputs).toEqual([true, 5, '5']);
});

test('a run elsewhere is paused, goes on, and is canceled, whole or by task', async () => {
  await submitRun(queue, plan, { runId: 'run-a' });
  await coordinateUntil('task_waiting');
  expect(await stratagem('pause', 'run-a')).toBe(0);
  expect(await stratagem('unpause', 'run-a')).toBe(0);
  expect(await stratagem('cancel', 'run-a', '--task', 'title')).toBe(0);
  expect(await stratagem('answer', 'run-a', '--reject', 'ok')).toBe(0);
  expect(await stratagem('cancel', 'run-a')).toBe(0);
  expect(said).toEqual([
    'run-a: it is paused: no task starts\n',
    'run-a: its tasks start again\n',
    'run-a: task "title" is canceled\n',
    'run-a: task "ok" is rejected\n',
    'run-a: it is canceled\n',
  ]);
  expect(await eventTypes()).toEqual(
    expect.arrayContaining(['run_paused', 'run_unpaused', 'run_canceled']),
  );
});

test('what cannot be asked of a run is an error that says why', async () => {
  await submitRun(queue, plan, { runId: 'run-a' });
  await coordinateUntil('task_waiting');
  await expect(stratagem('answer', 'run-a')).rejects.toThrow('which answer? Use --approve ID');
  await expect(stratagem('answer', 'run-a', '--approve', 'okk')).rejects.toThrow('okk');
  await expect(stratagem('answer', 'run-a', '--approve', 'ok', '--reject', 'ok')).rejects.toThrow(
    'remove all but one',
  );
  await expect(stratagem('pause', 'other')).rejects.toThrow('No run "other" in this journal');
  await stratagem('cancel', 'run-a');
  await expect(stratagem('pause', 'run-a')).rejects.toThrow('Run "run-a" has ended');
});
