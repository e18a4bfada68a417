import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FIRST_INPUTS,
  type ForkableRun,
  forkableRun,
  otherInputs,
  topOf,
} from '../../test/forkable-runs.js';
import { crashed } from '../../test/journals.js';
import { must } from '../../test/must.js';
import { recipes } from '../../test/random-runs.js';
import { recorded } from '../../test/recorded.js';
import type { EventData } from '../contract/journal.js';
import { canonical } from '../serialize/canonical.js';
import { resumeSimulation, simulate } from '../simulate/simulate.js';
import type { PlanResult } from '../state/result.js';
import { forkRun } from './fork-run.js';

const RUNS = Number(process.env.FORKED_RUNS ?? 10);

const changes = fc.subarray(['a', 'b', 'c', 'list']);

test('a fork at any event, with any inputs, ends as a new run with these inputs does', async () => {
  const total = { forks: 0, kept: 0, rounds: 0, resumed: 0 };
  const property = fc.asyncProperty(recipes, changes, fc.nat(), async (recipe, names, pick) => {
    const run = forkableRun({ ...recipe, size: Math.min(recipe.size, 8) });
    const { plan, optionsFor } = run;
    const source = recorded(plan, simulate(plan, optionsFor(FIRST_INPUTS)).timeline);
    const values = { ...FIRST_INPUTS, ...otherInputs(names) };
    const fresh = simulate(plan, optionsFor(values));
    const touched = run.touchedBy(names);
    for (let at = 0; at < source.length; at++) {
      const { log, result } = await forkedAt(run, source, at, names);
      total.forks++;
      total.kept += endedIn(log).size;
      total.rounds += log.filter(({ type }) => type === 'replan_started').length;
      requireNoneAgain(run, source.slice(0, at + 1), log, result, touched);
      if (run.isSteady) requireSame(result, fresh);
      if (at !== pick % source.length) continue;
      total.resumed += requireResumable(run, result, names);
    }
  });
  await fc.assert(property, { numRuns: RUNS, seed: Number(process.env.SEED ?? 1) });
  expect(total.forks).toBeGreaterThan(RUNS * 5);
  expect(total.kept).toBeGreaterThan(RUNS * 5);
  expect(total.rounds).toBeGreaterThan(RUNS / 4);
  expect(total.resumed).toBeGreaterThan(RUNS * 5);
});

/** Forks the run and lets the fork end; the source stays as it is. */
async function forkedAt(
  { plan, optionsFor }: ForkableRun,
  source: readonly EventData[],
  at: number,
  names: readonly string[],
): Promise<{ log: readonly EventData[]; result: PlanResult }> {
  const before = JSON.stringify(source);
  const journal = await crashed(source);
  const inputs = otherInputs(names);
  const forked = await forkRun(journal, 'one', 'two', { plan, inputs, at }, () => ({}));
  const log = JSON.parse(JSON.stringify(forked.past?.log)) as EventData[];
  const options = optionsFor({ ...FIRST_INPUTS, ...inputs });
  const result = resumeSimulation(plan, options, log);
  const events: EventData[] = [];
  for await (const event of journal.read('one')) events.push(event);
  must(JSON.stringify(events) === before, 'the source stays as it is');
  return { log, result };
}

function requireSame(forked: PlanResult, fresh: PlanResult): void {
  must(forked.status === fresh.status, `the fork ends ${fresh.status}, not ${forked.status}`);
  // They are in the order in which tasks were made.
  const outputs = (result: PlanResult) => canonical(JSON.parse(textOf(result.outputs)));
  must(outputs(forked) === outputs(fresh), 'its outputs are those of a new run');
  const ends = new Map(fresh.tasks.map((task) => [task.id, task]));
  for (const { id, status, output } of forked.tasks) {
    const other = ends.get(id);
    must(status === other?.status, `${status} is the end in a new run, ${other?.status}`, id);
    must(textOf(output) === textOf(other?.output), 'it has the output', id);
  }
  must(forked.tasks.length === fresh.tasks.length, 'both have the same tasks');
}

/** What completed before the fork and depends on nothing that changed has not run again. */
function requireNoneAgain(
  { plan }: ForkableRun,
  before: readonly EventData[],
  log: readonly EventData[],
  result: PlanResult,
  touched: ReadonlySet<string>,
): void {
  const kept = endedIn(log);
  const untouched = new Set<string>();
  for (const { type, taskId } of before) {
    if (type !== 'task_completed' || taskId === undefined) continue;
    const top = topOf(taskId, plan);
    if (top === taskId && !touched.has(top)) untouched.add(taskId);
  }
  for (const id of untouched) must(kept.has(id), 'it is kept', id);
  for (const event of result.timeline) {
    if (event.type === 'task_started') must(!kept.has(event.taskId), 'it is kept', event.taskId);
  }
}

/** The fork resumes from every prefix of its log, and ends as it did. */
function requireResumable(
  { plan, optionsFor, isSteady }: ForkableRun,
  result: PlanResult,
  names: readonly string[],
): number {
  const log = recorded(plan, result.timeline);
  const inputs = { ...FIRST_INPUTS, ...otherInputs(names) };
  for (let length = 1; length <= log.length; length++) {
    const resumed = resumeSimulation(plan, optionsFor(inputs), log.slice(0, length));
    // A log that ends before the tasks of a round has lost them: the planner is asked once more.
    const isRoundLost = log[length - 1]?.type === 'replan_completed';
    if (isSteady && !isRoundLost) requireSame(resumed, result);
    const isOver = resumed.tasks.every(({ status }) => !/pending|running/.test(status));
    must(isOver, 'every task ends');
  }
  return log.length;
}

function endedIn(log: readonly EventData[]): ReadonlySet<string> {
  const completed = log.filter(({ type }) => type === 'task_completed');
  return new Set(completed.map(({ taskId }) => taskId as string));
}

/** A fork tries nothing again that has failed, so its errors count no tries. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (key, each) => (key === 'tries' ? undefined : each)) ?? '';
}
