import { expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import type { RunEvent } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { readRun } from '../journal/read-run.js';
import { createExecutor } from '../runtime/executor.js';
import { analyzeRun, RunAnalyzer } from './analyze.js';

/** Runs a plan; what its runner was sent, and the events of the run, as they were and as recorded. */
async function run(plan: Plan) {
  const sent = new Map<string, string>();
  const journal = memoryJournal();
  const executor = createExecutor({
    strategy: inOrder,
    journal,
    runner: {
      name: 'noting',
      run: async ({ taskId, prompt }) => {
        sent.set(taskId, prompt);
        if (taskId === 'list') return { output: { names: ['ada', 'bo'] } };
        return { output: `${taskId} says "hi"` };
      },
    },
  });
  const handle = executor.execute(plan);
  const { timeline } = await handle;
  const read: RunEvent[] = [];
  for await (const event of readRun(journal, handle.runId)) read.push(event);
  return { sent, timeline, read };
}

const PLAN: Plan = {
  goal: 'x',
  tasks: [
    { id: 'list', description: 'List them' },
    { id: 'plain', description: 'Read on', dependencies: ['list'] },
    { id: 'asked', description: 'Is {{list.names[1]}} here?', dependencies: ['list'] },
    {
      id: 'again',
      description: 'Not {{previous}}, try {{iteration}}',
      repeat: { until: { path: 'iteration', operator: '>=', value: 3 } },
    },
    {
      id: 'rounds',
      repeat: { until: { path: 'iteration', operator: '>=', value: 2 } },
      subtasks: [
        { id: 'ask', description: 'Ask again' },
        { id: 'tell', description: 'Tell {{ask}} after {{previous.ask}}', dependencies: ['ask'] },
      ],
    },
    {
      id: 'each',
      description: 'Greet {{item}} as number {{index}}',
      dependencies: ['list'],
      forEach: 'list.names',
    },
    {
      id: 'groups',
      description: 'Sum up',
      dependencies: ['list', 'plain'],
      forEach: 'list.names',
      subtasks: [
        { id: 'first', description: 'Find {{item}}' },
        { id: 'second', description: 'Describe it', dependencies: ['first'] },
      ],
    },
    {
      id: 'family',
      description: 'Put together',
      dependencies: ['plain'],
      subtasks: [
        { id: 'left', description: 'Left' },
        { id: 'right', description: 'Right', dependencies: ['left'] },
      ],
    },
    { id: 'end', description: 'End', dependencies: ['each', 'groups', 'family'] },
  ],
};

test('the prompt of each task is what its runner was sent, live and from a record', async () => {
  const { sent, timeline, read } = await run(PLAN);
  expect(sent.size).toBe(19);
  for (const events of [timeline, read]) {
    const analysis = analyzeRun(events);
    for (const [id, prompt] of sent) expect(analysis.promptOf(id), id).toBe(prompt);
  }
});

test('a list that a function gave is taken from the record, not from the function', async () => {
  let calls = 0;
  const forEach = () => {
    calls++;
    return ['ada', 'bo'];
  };
  const tasks = [{ id: 'each', description: 'Greet {{item}}', forEach }];
  const { sent, read } = await run({ goal: 'x', tasks });
  expect(analyzeRun(read).promptOf('each[1]')).toBe(sent.get('each[1]'));
  expect(calls).toBe(1);
});

test('the rows of a stream are taken from the events, while they are read and later', async () => {
  const stream = {
    name: 'rows',
    async *open() {
      for (let n = 0; n < 2_500; n++) yield { n };
    },
  };
  const tasks = [{ id: 'each', description: 'Greet {{item.n}}', forEach: { stream } }];
  const { sent, read } = await run({ goal: 'x', tasks });
  const live = new RunAnalyzer();
  for (const event of read) {
    live.add(event);
    const { taskId } = event as { taskId?: string };
    if (event.type !== 'task_started' || event.sequence % 100 !== 0) continue;
    expect(live.analyze().promptOf(taskId as string)).toBe(sent.get(taskId as string));
  }
  const analysis = analyzeRun(read);
  for (const [id, prompt] of sent) expect(analysis.promptOf(id), id).toBe(prompt);
});

test('there is no prompt where a function makes it, or where an input is not there yet', async () => {
  const { timeline } = await run({
    goal: 'x',
    tasks: [
      { id: 'list', description: 'List them' },
      { id: 'code', run: () => 1 },
      { id: 'made', prompt: () => 'by hand' },
      { id: 'asked', description: '{{list.names[0]}}', dependencies: ['list'] },
    ],
  });
  const analysis = analyzeRun(timeline);
  expect([analysis.promptOf('code'), analysis.promptOf('made')]).toEqual([undefined, undefined]);
  expect(analysis.promptOf('nobody')).toBeUndefined();
  const early = analyzeRun(timeline.filter(({ sequence }) => sequence < 3));
  expect(early.promptOf('asked')).not.toContain('ada');
});
