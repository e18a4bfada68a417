import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must } from '../../test/must.js';
import { type Recipe, randomRun, recipes } from '../../test/random-runs.js';
import { recorded } from '../../test/recorded.js';
import { snapshotOf } from '../../test/snapshot.js';
import { eitherBudget } from '../contract/budget.js';
import type { RunEvent } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import { Graph } from '../graph/graph.js';
import { decodeRecorded } from '../kernel/decode-log.js';
import { resumeSimulation, simulate } from '../simulate/simulate.js';
import { FanOut } from './fan-out.js';
import { RunState } from './run-state.js';

/** 1,000 in the test command; `pnpm properties` tries 100,000. */
const RUNS = Math.max(50, Math.ceil(Number(process.env.RUNS ?? 10_000) / 10));
const SEED = Number(process.env.SEED ?? 1);

test(`the fold of every prefix of a log equals the live state in ${RUNS} random runs`, () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      recipes,
      fc.noBias(fc.nat(999)),
      fc.constantFrom(0, 17),
      (recipe, part, downtimeMs) => {
        const run = randomRun(recipe);
        const whole = live(() => simulate(run.plan, run.options).timeline);
        compare(recipe, whole);
        for (const { type } of whole.timeline) seen.add(type);

        const cut = whole.timeline.slice(0, 1 + Math.floor((part / 1_000) * whole.timeline.length));
        const again = randomRun(recipe);
        const log = recorded(again.plan, cut);
        const resumed = live(
          () => resumeSimulation(again.plan, again.options, log, { downtimeMs }).timeline,
        );
        compare(recipe, resumed);
      },
    ),
    { numRuns: RUNS, seed: SEED },
  );
  for (const type of ['task_retrying', 'task_waiting', 'tasks_added', 'run_paused']) {
    expect(seen).toContain(type);
  }
});

/** The doors through which a state changes. */
const FOLDS = ['fold', 'recordStart', 'recordCompletion'] as const;

interface LiveRun {
  readonly timeline: readonly RunEvent[];
  /** The live state after each event, as text. */
  readonly states: readonly string[];
}

/** Runs something, and takes a picture of the live state after each event that is folded. */
function live(run: () => readonly RunEvent[]): LiveRun {
  const states: string[] = [];
  const originals = FOLDS.map((name) => [name, RunState.prototype[name]] as const);
  for (const [name, original] of originals) {
    Object.assign(RunState.prototype, {
      [name](this: RunState, ...args: never[]) {
        (original as (...args: never[]) => void).apply(this, args);
        states.push(JSON.stringify(snapshotOf(this)));
      },
    });
  }
  try {
    return { timeline: run(), states };
  } finally {
    for (const [name, original] of originals) {
      Object.assign(RunState.prototype, { [name]: original });
    }
  }
}

/** Folds the recorded log, as a reader in another process would, event by event. */
function compare(recipe: Recipe, { timeline, states }: LiveRun): void {
  const { plan, options } = randomRun(recipe);
  const log: readonly EventData[] = recorded(plan, timeline);
  const budget = eitherBudget(plan.budget, options.budget);
  const state = new RunState(new Graph(plan.tasks), {
    failFast: options.failFast ?? false,
    goalState: plan.goalState,
    hasBudget: budget !== undefined,
    accounts: budget?.resources && Object.keys(budget.resources),
  });
  const context = { state, fanOut: new FanOut(), plan: () => plan, added: new Map() };
  must(states.length === timeline.length, 'every event is folded once');
  for (const [position, data] of log.entries()) {
    const { event, index } = decodeRecorded(data, context);
    state.apply(event, index);
    const folded = JSON.stringify(snapshotOf(state));
    if (folded === states[position]) continue;
    expect(JSON.parse(folded), `after ${event.type}`).toEqual(JSON.parse(states[position] ?? ''));
    must(false, 'the fold equals the live state', event.type);
  }
}
