import { createExecutor } from '@stratagem/core';
import { startCoordinator, submitRun } from '@stratagem/core/coordinator';
import { memoryRunQueue } from '@stratagem/core/journal';
import { parallel } from '@stratagem/parallel';
import { afterEach, expect, test, vi } from 'vitest';
import * as streams from '../output/streams.js';
import { executeRun } from './execute-run.js';
import { FollowedRun } from './followed-run.js';

afterEach(() => vi.restoreAllMocks());

test('a followed run that waits for a human says how to answer, and goes on after the answer', async () => {
  const said: string[] = [];
  const asked = new Promise<void>((resolve) => {
    vi.spyOn(streams, 'write').mockImplementation(async (_, text) => {
      said.push(String(text));
      if (String(text).includes('waits for')) resolve();
      return true;
    });
  });
  const queue = memoryRunQueue();
  const plan = {
    goal: 'ask',
    tasks: [{ id: 'ok', description: 'Ok?', waitFor: 'approval' as const }],
  };
  const runId = await submitRun(queue, plan);
  const view = (preset: object) =>
    executeRun(
      ({ onEvent = () => {} }) => new FollowedRun(queue, runId, onEvent, 'postgres://host'),
      { quiet: true, ...preset },
    );
  const exitCode = view({});
  const coordinator = startCoordinator({
    queue,
    executor: createExecutor({ strategy: parallel() }),
    onError: (error) => expect.unreachable(String(error)),
  });
  await asked;
  expect(said.join('')).toContain(
    `task "ok" waits for an approval: stratagem answer ${runId} --engine postgres://host --approve ok`,
  );
  // Another view has the answer with it.
  expect(await view({ approve: ['ok'] })).toBe(0);
  expect(await exitCode).toBe(0);
  await coordinator.stop();
});
