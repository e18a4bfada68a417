import { expect, test } from 'vitest';
import { crashed, logOf } from '../../test/journals.js';
import { deferred, eventsOf, inOrder, no, planOf } from '../../test/runs.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { readRun } from '../journal/read-run.js';
import { resultOf } from '../state/result-from-log.js';
import { createExecutor } from './executor.js';

const goalState = {
  description: 'a report that the editor likes',
  criteria: [
    { name: 'liked', path: 'outputs.report.liked', operator: '==', value: true },
    { path: 'outputs.report.length', operator: '>', value: 3 },
  ],
} as const;

test('a criterion is met by hand, and the run ends when the goal is reached', async () => {
  const wait = deferred();
  const plan = {
    ...planOf(
      { id: 'report', run: () => ({ length: 5 }) },
      { id: 'more', run: () => wait.promise, dependencies: ['report'] },
      { id: 'last', run: no, dependencies: ['more'] },
    ),
    goalState,
  };
  const executor = createExecutor({ strategy: inOrder, abortGraceMs: 0 });
  const run = executor.execute(plan, { runId: 'r-1' });
  for await (const event of run) if (event.type === 'task_completed') break;
  await run.meetCriterion('liked');
  // Saying it again changes nothing.
  await run.meetCriterion('liked');
  wait.resolve();
  const result = await run;
  expect(result).toMatchObject({ status: 'completed', runId: 'r-1' });
  expect(result.goalProgress?.criteria.map(({ met }) => met)).toEqual([true, true]);
  expect(eventsOf(result, 'criterion_met')).toMatchObject([{ name: 'liked' }]);
  expect(eventsOf(result, 'task_skipped')).toMatchObject([{ taskId: 'last' }]);
  const [first, last] = [result.timeline[0], result.timeline.at(-1)];
  expect([result.startedAt, result.endedAt]).toEqual([first?.timestamp, last?.timestamp]);
  expect(resultOf(result.timeline)).toMatchObject({ startedAt: first?.timestamp });
  await expect(run.meetCriterion('liked')).rejects.toMatchObject({ code: 'run_ended' });
});

test('an unknown criterion is refused, and an unmet goal is named by its description', async () => {
  const wait = deferred();
  const executor = createExecutor({ strategy: inOrder });
  const plan = { ...planOf({ id: 'report', run: () => wait.promise.then(() => 'x') }), goalState };
  const run = executor.execute(plan);
  await expect(run.meetCriterion('likd')).rejects.toThrow('Did you mean "liked"?');
  wait.resolve();
  const { error } = await run;
  expect(error?.message).toContain('the goal "a report that the editor likes" is not achieved');
  const other = executor.execute(planOf({ id: 'a', run: () => 1 }));
  await expect(other.meetCriterion('liked')).rejects.toThrow('The plan has no goalState');
  await other;
});

test('a resumed run knows which criteria were met by hand, also with a changed plan', async () => {
  for (const isChanged of [false, true]) {
    const journal = memoryJournal();
    const planWith = (text: string) => ({
      ...planOf(
        { id: 'report', description: 'x' },
        { id: 'wait', description: text, dependencies: ['report'] },
      ),
      goalState: { criteria: [goalState.criteria[0], { ...goalState.criteria[1], value: 9 }] },
    });
    let isStuck = true;
    const runner = {
      name: 'r',
      run: ({ taskId }: { taskId: string }) =>
        taskId === 'wait' && isStuck
          ? new Promise<{ output: unknown }>(() => {})
          : Promise.resolve({ output: { length: 5 } }),
    };
    const executor = createExecutor({ strategy: inOrder, runner, journal, abortGraceMs: 0 });
    const run = executor.execute(planWith('x'), { runId: 'r' });
    for await (const event of run)
      if (event.type === 'task_started' && event.taskId === 'wait') break;
    await run.meetCriterion('liked');
    await run.interrupt();
    isStuck = false;
    const plan = planWith(isChanged ? 'y' : 'x');
    const result = await executor.resume('r', { plan, acceptChanges: isChanged });
    expect(result.goalProgress?.criteria.map(({ met }) => met)).toEqual([true, false]);
    expect(result).toMatchObject({ status: 'failed', runId: 'r' });
    const events = [];
    for await (const event of readRun(journal, 'r')) events.push(event);
    expect(resultOf(events).goalProgress).toEqual(result.goalProgress);
  }
});

test('a goal that a criterion reaches ends the run, also if its process ended before the check', async () => {
  const journal = memoryJournal();
  const plan = {
    ...planOf({ id: 'report', description: 'x' }, { id: 'last', description: 'x' }),
    goalState: { whenAchieved: 'abort', criteria: [goalState.criteria[0]] },
  } as const;
  const runner = { name: 'r', run: () => new Promise<{ output: unknown }>(() => {}) };
  const executor = createExecutor({ strategy: inOrder, runner, journal, abortGraceMs: 0 });
  const run = executor.execute(plan, { runId: 'one' });
  for await (const { type } of run) if (type === 'task_started') break;
  await run.meetCriterion('liked');
  expect((await run).status).toBe('completed');
  const log = await logOf(journal, 'one');
  const end = log.findIndex(({ type }) => type === 'criterion_met') + 1;
  const cut = await crashed(log.slice(0, end));
  const resumed = await createExecutor({ strategy: inOrder, runner, journal: cut }).resume('one');
  expect(resumed.status).toBe('completed');
});
