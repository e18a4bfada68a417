import { OptionError, StratagemError } from '../contract/errors.js';
import type { RunLimits } from '../contract/event.js';
import type { EventData, Journal, OpenedRun } from '../contract/journal.js';
import { journalErrors } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import type { RecoverOptions } from '../kernel/options.js';
import {
  incompleteTasks,
  type PlanData,
  planFromData,
  planToData,
  type TaskData,
} from '../serialize/plan.js';
import { diffPlans, isSame, PlanChangedError } from '../serialize/plan-diff.js';
import { adoptedLog } from './adopt.js';
import { understood } from './read-run.js';

/** How a recorded run is resumed, besides how it goes on. */
export interface ResumeOptions {
  /**
   * The plan once more: needed when tasks of it have functions or schemas, which no journal can keep.
   * Left out, what is recorded of it must be enough.
   */
  readonly plan?: Plan<unknown>;
  /**
   * Take a `plan` that is not what the run was started with: what is complete and has not changed, by
   * itself and in all that it depends on, stays; the rest is done.
   * @default false
   */
  readonly acceptChanges?: boolean;
  /**
   * Do once more what failed, and what was skipped or canceled for it. Deadlines and time budgets
   * begin anew.
   * @default false
   */
  readonly retryFailed?: boolean;
  /** Tasks with functions or schemas that were added while it ran, once more. */
  readonly addedTasks?: readonly Task[];
}

/** A recorded run, ready to go on. */
export interface ResumableRun {
  readonly plan: Plan;
  readonly planData: PlanData;
  readonly limits: RunLimits;
  readonly seed: number;
  readonly journal: OpenedRun;
  /** Undefined for a run that has its place in the journal and never began. */
  readonly past: ({ readonly log: readonly EventData[] } & RecoverOptions) | undefined;
  /** To be appended when the changed plan is found fit to be run: with these it takes its place. */
  readonly adopted: readonly EventData[];
  /** Nothing is left to do: its result is all there is. */
  readonly isOver: boolean;
}

/**
 * Takes over a run and finds out what it needs to go on.
 *
 * Rejects with what `open` of the journal rejects with, with `plan_required`, `plan_changed` and
 * `journal_corrupt`; the lease is given back then.
 */
export async function openRun(
  journal: Journal,
  runId: string,
  options: ResumeOptions,
  /** The limits of the run from now on, given those that it had. */
  limitsOf: (plan: Plan, recorded: RunLimits) => RunLimits,
): Promise<ResumableRun> {
  const opened = await journal.open(runId);
  try {
    return await resumable(opened, options, limitsOf);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function resumable(
  journal: OpenedRun,
  options: ResumeOptions,
  limitsOf: (plan: Plan, recorded: RunLimits) => RunLimits,
): Promise<ResumableRun> {
  const { runId, events } = journal;
  const { acceptChanges = false, retryFailed = false } = options;
  const given = options.plan as Plan | undefined;
  const whole = given && wholePlan(given);
  if (events.length === 0) {
    if (whole === undefined) throw neverBegan(runId);
    const limits = limitsOf(whole, {});
    const planData = planToData(whole);
    const fresh = { seed: randomSeed(), journal, past: undefined, adopted: [], isOver: false };
    return { plan: whole, planData, limits, ...fresh };
  }
  const log = events.slice(events.findLastIndex(({ type }) => type === 'run_started'));
  const started = understood(runId, () => startOf(log));
  const planData = whole === undefined ? started.plan : planToData(whole);
  const diff = diffPlans(started.plan, planData);
  const plan = whole ?? planFromData(started.plan);
  const limits = limitsOf(plan, started.limits);
  const found = { plan, planData, limits, seed: started.seed, journal };
  if (!isSame(diff)) {
    if (!acceptChanges) throw new PlanChangedError(runId, diff);
    const now = Math.max(Date.now(), (events.at(-1) as EventData).timestamp);
    const adoption = { runId, log, planData, limits, now };
    const adopted = understood(runId, () => adoptedLog(adoption));
    const added = addedTasks(runId, adopted, options);
    return { ...found, past: { log: adopted, added }, adopted, isOver: false };
  }
  const isOver = ENDINGS.includes((log.at(-1) as EventData).type) && !retryFailed;
  if (whole === undefined && !isOver) requirePlan(runId, started.plan.tasks, log);
  const added = isOver ? new Map() : addedTasks(runId, log, options);
  return { ...found, past: { log, retryFailed, added }, adopted: [], isOver };
}

const ENDINGS = ['run_completed', 'run_failed', 'run_canceled'];

interface Start {
  readonly plan: PlanData;
  readonly seed: number;
  readonly limits: RunLimits;
}

function startOf([first]: readonly EventData[]): Start {
  if (first?.type !== 'run_started') throw new TypeError('it does not begin with run_started');
  const { plan, seed, limits = {} } = first as unknown as Partial<Start>;
  if (!Array.isArray(plan?.tasks) || typeof seed !== 'number') {
    throw new TypeError('its run_started has no plan');
  }
  return { plan, seed, limits };
}

/** As the plan is now; a builder may be added to. */
function wholePlan(plan: Plan): Plan {
  return { ...plan, tasks: [...plan.tasks] };
}

export function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

function requirePlan(runId: string, tasks: readonly TaskData[], log: readonly EventData[]): void {
  const missing = incompleteTasks(tasks, completedIn(log));
  if (missing.length === 0) return;
  throw new StratagemError(
    'plan_required',
    `Run "${runId}" can only be resumed with its plan, as functions and schemas are not recorded: ` +
      `give it as \`plan\`. It is needed for ${listed(missing)}`,
  );
}

/** The tasks that came while it ran and that data alone cannot do, as they are given again. */
function addedTasks(
  runId: string,
  log: readonly EventData[],
  { addedTasks: given = [] }: ResumeOptions,
): ReadonlyMap<string, Task> {
  const byId = new Map<string, Task>();
  const collect = (tasks: readonly Task[]) => {
    for (const task of tasks) {
      byId.set(task.id, task);
      collect(task.subtasks ?? []);
    }
  };
  collect(given);
  const isDone = completedIn(log);
  const missing = log.flatMap(({ type, source, tasks }) => {
    if (type !== 'tasks_added' || source === 'for_each') return [];
    const isKnown = (id: string) => isDone(id) || byId.has(id);
    return incompleteTasks(tasks as unknown as readonly TaskData[], isKnown);
  });
  if (missing.length === 0) return byId;
  throw new StratagemError(
    'plan_required',
    `Run "${runId}" can only be resumed with the tasks that were added while it ran, as functions ` +
      `and schemas are not recorded: give them as \`addedTasks\`. They are ${listed(missing)}`,
  );
}

function completedIn(log: readonly EventData[]): (id: string) => boolean {
  const completed = new Set<string>();
  for (const { type, taskId } of log) {
    if (type === 'task_completed' && taskId !== undefined) completed.add(taskId);
  }
  return (id) => completed.has(id);
}

const SHOWN = 5;

function listed(missing: readonly (readonly [id: string, fields: readonly string[]])[]): string {
  const shown = missing.slice(0, SHOWN).map(([id, fields]) => `"${id}" (${fields.join(', ')})`);
  const more = missing.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function neverBegan(runId: string): StratagemError {
  const { message } = journalErrors.runNotFound(runId);
  return new StratagemError(
    'plan_required',
    `${message} that has begun: give its plan, and it begins now`,
  );
}

/** @throws {OptionError} */
export function checkResumeOptions({ plan, acceptChanges }: ResumeOptions): void {
  if (acceptChanges && plan === undefined) {
    throw new OptionError('resume(): acceptChanges needs the changed plan, as `plan`');
  }
}
