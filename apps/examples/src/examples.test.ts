import { RunnerError, type TaskRequest } from '@stratagem/core';
import { strategyConformance } from '@stratagem/core/testing';
import { simulated } from '@stratagem/simulated';
import { afterEach, describe, expect, test, vi } from 'vitest';
import * as batch from './batch.js';
import { chooseRunner } from './choose-runner.js';
import * as comparison from './comparison.js';
import * as customStrategy from './custom-strategy.js';
import * as dataCollection from './data-collection.js';
import * as dependencies from './dependencies.js';
import { run as drawPicture } from './picture.js';
import * as sequential from './sequential.js';
import * as twoProviders from './two-providers.js';

const quick = () => simulated({ latencyMs: 10 });

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** What an example prints. */
async function printed(main: () => Promise<void>): Promise<string> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line = '') => void lines.push(line));
  await main();
  return lines.join('\n');
}

describe('batch', () => {
  test('completes ten tasks, five at a time', async () => {
    const { status, metrics, outputs } = await batch.run(quick());
    expect(status).toBe('completed');
    expect(metrics).toMatchObject({ completedTasks: 10, peakConcurrency: 5 });
    expect(outputs.TSMC).toContain('the market position of TSMC');
  });

  test('prints results and figures', async () => {
    const text = await printed(() => batch.main(quick()));
    expect(text).toMatch(/Apple +Simulated answer/);
    expect(text).toMatch(/Success rate +100 %/);
    expect(text).toMatch(/Peak concurrency +5/);
  });

  test('ends with the error when a model fails', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    await expect(batch.main(simulated({ failureRate: 1, latencyMs: 1 }))).rejects.toThrow(/failed/);
  });
});

describe('dependencies', () => {
  test('hands the outputs on: the report is asked with all three analyses in its prompt', async () => {
    const requests = new Map<string, TaskRequest>();
    const respond = (request: TaskRequest) => {
      requests.set(request.taskId, request);
      return `<${request.taskId}>`;
    };
    const result = await dependencies.run(simulated({ latencyMs: 10, respond }));
    expect(result.outputs.report).toBe('<report>');
    for (const id of ['trends', 'market-size', 'competition']) {
      expect(requests.get(id)?.prompt).toContain('<research>');
      expect(requests.get('report')?.prompt).toContain(`<${id}>`);
    }
    expect(result.tasks.map(({ level }) => level)).toEqual([0, 1, 1, 1, 2]);
    expect(result.metrics.peakConcurrency).toBe(3);
  });

  test('prints its timeline', async () => {
    const text = await printed(() => dependencies.main(quick()));
    expect(text).toMatch(/task_started +level 0 {2}research/);
    expect(text).toMatch(/task_completed +level 2 {2}report \(0\.0\d s\)/);
    expect(text).toContain('plan_completed');
  });
});

describe('comparison', () => {
  test('runs the same tasks one at a time and four at a time', async () => {
    const measured = await comparison.run(quick());
    expect(measured.sequential).toMatchObject({ completedTasks: 8, peakConcurrency: 1 });
    expect(measured.parallel).toMatchObject({ completedTasks: 8, peakConcurrency: 4 });
  });

  test('prints both beside each other', async () => {
    const text = await printed(() => comparison.main(quick()));
    expect(text).toMatch(/At once +1 +4/);
    expect(text).toMatch(/Parallel was \d+\.\d\d times as fast/);
  });
});

test('sequential runs in order, each task with the output of the one before', async () => {
  const { tasks, outputs, metrics } = await sequential.run(quick());
  expect(metrics.peakConcurrency).toBe(1);
  expect(outputs.draft).toContain('based on idea');
  expect(outputs.title).toContain('based on draft');
  const times = tasks.map(({ startedAt = 0 }) => startedAt);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

describe('data collection', () => {
  test('asks all ten stations and puts the answers together', async () => {
    const { urls, asked, server } = await dataCollection.startStations();
    const result = await dataCollection.run(urls);
    server.close();
    expect(asked.sort()).toEqual(Array.from({ length: 10 }, (_, n) => `/stations/${n}`));
    expect(result.outputs.average).toEqual({ stations: 10, celsius: 14.5 });
    expect(result.metrics.peakConcurrency).toBe(4);
  });

  test('says which station cannot be reached', async () => {
    const { urls, server } = await dataCollection.startStations();
    server.close();
    const result = await dataCollection.run(urls.slice(0, 1));
    expect(result.status).toBe('failed');
    expect(result.error?.message).toMatch(/stations\/0" failed: fetch failed.*ECONNREFUSED/);
  });
});

describe('custom strategy', () => {
  test('starts the shortest task first', async () => {
    const { timeline } = await customStrategy.run();
    const order = timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
    expect(order).toEqual(['yes', 'thanks', 'offer', 'contract']);
  });

  for (const { name, run } of strategyConformance(customStrategy.shortestFirst)) test(name, run);
});

test('two providers answer the same plan', async () => {
  vi.stubEnv('OPENAI_API_KEY', undefined);
  vi.stubEnv('ANTHROPIC_API_KEY', undefined);
  const results = await twoProviders.run(await twoProviders.chooseTwo());
  expect(results.map(({ status }) => status)).toEqual(['completed', 'completed']);
  expect(results[0]?.outputs.choice).not.toBe(results[1]?.outputs.choice);
});

test('the picture has a row for every task and says what was measured', async () => {
  const picture = await drawPicture();
  expect(picture.match(/text-anchor="end"/g)).toHaveLength(10);
  expect(picture).toMatch(/10 tasks, at most 3 at once: 7\.\d s of work/);
});

describe('chooseRunner', () => {
  test('takes a real provider when its key is set, and the simulated model otherwise', async () => {
    vi.stubEnv('OPENAI_API_KEY', undefined);
    vi.stubEnv('ANTHROPIC_API_KEY', undefined);
    expect((await chooseRunner()).name).toBe('simulated');
    vi.stubEnv('ANTHROPIC_API_KEY', 'test');
    expect((await chooseRunner()).name).toBe('anthropic');
    vi.stubEnv('OPENAI_API_KEY', 'test');
    expect((await chooseRunner()).name).toBe('openai');
  });

  test('passes its options to the simulated model', async () => {
    vi.stubEnv('OPENAI_API_KEY', undefined);
    vi.stubEnv('ANTHROPIC_API_KEY', undefined);
    const runner = await chooseRunner({ failureRate: 1, latencyMs: 0 });
    const result = await batch.run(runner);
    expect(result.tasks[0]?.error?.cause).toBeInstanceOf(RunnerError);
  });
});
