import type { RunEvent } from '@stratagem/core';
import { simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';
import { expect, test } from 'vitest';
import { diligenceRun, researchRun } from '../../test/sample-runs.js';
import { applyDelta } from './delta.js';
import { eventLine } from './event-line.js';
import { ModelBuilder } from './model-builder.js';
import { summaryOf } from './run-summary.js';

function modelOf(events = diligenceRun()) {
  const builder = new ModelBuilder('run-1');
  for (const event of events) builder.add(event);
  return builder.model();
}

test('the parts of what decided the time follow one another from 0 to the end', () => {
  const { parts, sums, now } = modelOf();
  let at = 0;
  for (const { from, to } of parts) {
    expect(from).toBe(at);
    expect(to).toBeGreaterThan(from);
    at = to;
  }
  expect(at).toBe(now);
  const sum = Object.values(sums).reduce((total, ms) => total + ms, 0);
  expect(sum).toBeCloseTo(now, 6);
  expect(Object.keys(sums)).toEqual(expect.arrayContaining(['run', 'cap', 'limit', 'human']));
});

test('a model has each task with its status, its stretches of time and its inputs', () => {
  const { tasks, figures } = modelOf();
  const byId = new Map(tasks.map((task) => [task.id, task]));
  expect(figures.total).toBe(183);
  expect(figures.counts).toMatchObject({ completed: 159, failed: 4, skipped: 20 });
  expect(byId.get('profile')?.children).toHaveLength(36);
  expect(byId.get('profile[7]')).toMatchObject({
    status: 'failed',
    parent: 'profile',
    inputs: ['suppliers'],
    segments: [{ kind: 'fail', isLast: true }],
    error: { code: 'context_length_exceeded' },
  });
  expect(byId.get('italy-labour')?.segments.map(({ kind }) => kind)).toEqual([
    'fail',
    'backoff',
    'run',
  ]);
  expect(byId.get('approve')).toMatchObject({ human: 'approval', segments: [{ kind: 'human' }] });
  expect(byId.get('merge')).toMatchObject({ status: 'skipped', failedTask: 'edit-2' });
});

test('a model has no speed-up where attempts lost their work', () => {
  const events = researchRun();
  expect(modelOf(events).figures.speedup).toBeGreaterThan(1);
  const at = events.findIndex(({ type }) => type === 'task_completed');
  const { sequence, timestamp } = events[at] as RunEvent;
  const resumed = { type: 'run_resumed', sequence, timestamp, downtimeMs: 0 } as const;
  const withResumed = (restarted: readonly string[]) =>
    events.toSpliced(at, 0, { ...resumed, restarted } as RunEvent);
  expect(modelOf(withResumed([])).figures.speedup).toBeGreaterThan(1);
  const started = events.find(({ type }) => type === 'task_started') as { taskId: string };
  expect(modelOf(withResumed([started.taskId])).figures.speedup).toBeUndefined();
  const builder = new ModelBuilder('run-1');
  for (const event of events.slice(0, at)) builder.add(event);
  expect(builder.model({ status: 'interrupted' }).figures.speedup).toBeUndefined();
});

test('the cost of a run without tokens is unknown in the list of runs', () => {
  const summary = summaryOf(modelOf());
  expect(summary.costUsd).toBeGreaterThan(0);
  const { timeline } = simulate(
    { goal: 'x', tasks: [{ id: 'a', description: 'x' }] },
    { strategy: parallel() },
  );
  expect(summaryOf(modelOf(timeline as RunEvent[])).costUsd).toBeNull();
});

test('a loop has its iterations as children, and says how it ended', () => {
  const { timeline } = simulate(
    {
      goal: 'x',
      tasks: [
        {
          id: 'draft',
          description: 'x',
          repeat: { until: ({ iteration }) => iteration === 3, maxIterations: 2 },
        },
      ],
    },
    { strategy: parallel() },
  );
  const { tasks } = modelOf([...timeline]);
  expect(tasks).toMatchObject([
    {
      id: 'draft',
      children: ['draft#1', 'draft#2'],
      loop: { ending: 'exhausted', iterations: 2 },
      status: 'completed',
    },
    { id: 'draft#1', parent: 'draft' },
    { id: 'draft#2', parent: 'draft', inputs: ['draft#1'] },
  ]);
  const lines = timeline.flatMap((event) => eventLine(event, 0)?.text ?? []);
  expect(lines).toContain('Iteration draft#2 follows');
  expect(lines.some((line) => line.endsWith(': condition not reached after 2 iterations'))).toBe(
    true,
  );
});

test('failures with one cause are one group', () => {
  const [most] = modelOf().failures;
  expect(most?.tasks).toEqual(['profile[7]', 'profile[23]']);
  expect(most?.message).not.toContain('profile');
});

test('a run under way is shown up to a time: its last attempts are open', () => {
  const events = diligenceRun();
  const builder = new ModelBuilder();
  const [start] = events;
  const until = (start?.timestamp ?? 0) + 3_000;
  for (const event of events) if (event.timestamp <= until) builder.add(event);
  const model = builder.model({ now: until });
  expect(model).toMatchObject({ isLive: true, status: 'running', now: 3_000 });
  const brief = model.tasks.find(({ id }) => id === 'brief');
  expect(brief).toMatchObject({ status: 'running', segments: [{ kind: 'run', from: 0 }] });
  expect(brief?.segments[0]?.to).toBeUndefined();
  expect(model.figures.workMs).toBe(3_000);
});

test('the texts of a task are its prompt, output and tool calls, each cut at the limit', () => {
  const builder = new ModelBuilder();
  for (const event of diligenceRun()) builder.add(event);
  expect(builder.detail('profile[2]', 1_000)?.prompt.text).toBe(
    'Profile Castell 1 from its filings',
  );
  expect(builder.detail('news', 1_000)).toMatchObject({
    prompt: { text: expect.stringMatching(/^Collect sources: news\n\n<output task="brief">/) },
    output: { text: expect.stringContaining('Findings for news') },
    steps: [{ tool: 'search', ok: true, durationMs: 422 }],
  });
  const { text, cutFrom } = builder.detail('news', 10)?.output ?? { text: '' };
  expect(text).toBe('Findings f');
  expect(cutFrom).toBeGreaterThan(100);
  expect(builder.detail('nobody', 10)).toBeUndefined();
});

test('the sources of a task are those that its output cites, each once', () => {
  const builder = new ModelBuilder();
  const citations = [
    { url: 'https://a.example/tides', title: 'Tides', start: 0, end: 4 },
    { url: 'https://a.example/tides', title: 'Tides', start: 9, end: 12 },
    { title: 'paper.pdf', quote: 'Twice a day.' },
    { url: 'javascript:alert(1)', title: 'Odd' },
  ];
  for (const event of diligenceRun()) {
    const isNews = event.type === 'task_completed' && event.taskId === 'news';
    builder.add(isNews ? { ...event, citations } : event);
  }
  expect(builder.detail('news', 1_000)?.sources).toEqual([
    { title: 'Tides', url: 'https://a.example/tides' },
    { title: 'paper.pdf' },
    // Only addresses of the web can be opened.
    { title: 'Odd' },
  ]);
  expect(builder.detail('brief', 1_000)).not.toHaveProperty('sources');
});

test('a model is plain JSON', () => {
  const model = modelOf(researchRun());
  expect(JSON.parse(JSON.stringify(model))).toEqual(model);
});

test('a change applies to a copy: the model before stays as it was', () => {
  const before = modelOf(researchRun());
  const { tasks, events, concurrency, ...head } = before;
  const [first] = tasks;
  const after = applyDelta(before, {
    head: { ...head, goal: 'another' },
    tasks: first === undefined ? [] : [[0, { ...first, status: 'failed' }]],
    events: { keep: 2, lines: events.slice(2, 3) },
    concurrency: { keep: 1, steps: [[5, 0]] },
  });
  expect(after.tasks[0]?.status).toBe('failed');
  expect(after.events).toEqual(events.slice(0, 3));
  expect(after.concurrency).toEqual([concurrency[0], [5, 0]]);
  expect(before.tasks[0]?.status).toBe('completed');
  expect(before.goal).not.toBe('another');
});

test('the time of an interrupted run stops at its last event', () => {
  const events = diligenceRun();
  const until = (events[0]?.timestamp ?? 0) + 3_000;
  const builder = new ModelBuilder();
  const seen = events.filter(({ timestamp }) => timestamp <= until);
  for (const event of seen) builder.add(event);
  const last = (seen.at(-1)?.timestamp ?? 0) - (events[0]?.timestamp ?? 0);
  const model = builder.model({ now: until + 600_000, status: 'interrupted' });
  expect(model.now).toBeCloseTo(last, 1);
  expect(builder.model({ now: until + 600_000 }).now).toBeGreaterThan(600_000);
});

test('a switch of the strategy is explained', () => {
  const line = eventLine(
    {
      ...{ type: 'strategy_switched', sequence: 1, timestamp: 0, limit: 8 },
      ...{ from: 'parallel', to: 'parallel', reason: 'lower concurrency is likely to be enough' },
      explanations: [{ explanation: 'above 8 at once, throughput falls', probability: 0.9 }],
      comparison: { expectedLoss: 0.1, rejectedLimit: 16, rejectedLoss: 0.5 },
    },
    0,
  );
  expect(line?.text).toBe(
    'Strategy switched to parallel: lower concurrency is likely to be enough. Likeliest: above 8 at once, ' +
      'throughput falls (90 %). A limit of 8 is expected to lose 10 % of the throughput, 16 would lose 50 %.',
  );
});
