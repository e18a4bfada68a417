import { createExecutor, type RunHandle } from '@stratagem/core';
import { startCoordinator, submitRun } from '@stratagem/core/coordinator';
import { memoryRunQueue } from '@stratagem/core/journal';
import { parallel } from '@stratagem/parallel';
import { afterEach, expect, test, vi } from 'vitest';
import * as streams from '../output/streams.js';
import { executeRun } from './execute-run.js';
import { FollowedRun } from './followed-run.js';

afterEach(() => vi.restoreAllMocks());

test('a followed run that waits for a human says who can answer, and does not ask here', async () => {
  const said: string[] = [];
  const asked = new Promise<void>((resolve) => {
    vi.spyOn(streams, 'write').mockImplementation(async (_, text) => {
      said.push(String(text));
      if (String(text).includes('waits for')) resolve();
    });
  });
  const queue = memoryRunQueue();
  const plan = {
    goal: 'ask',
    tasks: [{ id: 'ok', description: 'Ok?', waitFor: 'approval' as const }],
  };
  const runId = await submitRun(queue, plan);
  const exitCode = executeRun(
    ({ onEvent = () => {} }) => new FollowedRun(queue, runId, onEvent, 'postgres://host'),
    { quiet: true },
  );
  let handle: RunHandle | undefined;
  const coordinator = startCoordinator({
    queue,
    executor: createExecutor({ strategy: parallel() }),
    onRun: (run) => {
      handle = run;
    },
    onError: (error) => expect.unreachable(String(error)),
  });
  await asked;
  expect(said.join('')).toContain(
    'task "ok" waits for an approval, and nobody can answer at a coordinator of the command line',
  );
  // It is not stopped either, as a run of this process would be without a terminal.
  await handle?.approve('ok');
  expect(await exitCode).toBe(0);
  await coordinator.stop();
});
