import { OptionError, StratagemError } from '../contract/errors.js';
import type { RunOrigin } from '../contract/event.js';
import type { EventData, Journal, RunJournal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { asValues } from '../contract/plan-inputs.js';
import { foldLog } from '../kernel/recover.js';
import { planFromData } from '../serialize/decode-plan.js';
import { planToData } from '../serialize/plan.js';
import { diffPlans, isSame } from '../serialize/plan-diff.js';
import { toData } from '../serialize/value.js';
import { didYouMean } from '../util/suggest.js';
import { adoptedLog } from './adopt.js';
import { wrapCorruptLog } from './corrupt-log.js';
import type { ForkOptions } from './fork-options.js';
import { LogReader } from './log-reader.js';
import type { LimitsOf, OpenOptions, ResumableRun } from './open-run.js';
import { schemaOf } from './open-run.js';
import {
  changedInputs,
  recordedInputs,
  requireStorableInputs,
  takeInputsAgain,
} from './record-inputs.js';
import { RecordedAttachments } from './recorded-attachments.js';
import { addedTasks, requirePlan, requirePlanForInputs, startOf } from './recorded-plan.js';

/**
 * Prepares a new run that begins with the results of a recorded one. Completed tasks are kept, unless they
 * were asked to run again, or they or an input of theirs have changed. The source is only read.
 *
 * Rejects with `run_not_found`, `plan_required` and `journal_corrupt`, and with an `OptionError` for a task
 * or an event that the source does not have.
 */
export async function forkRun(
  journal: Journal,
  sourceId: string,
  runId: string,
  options: ForkOptions & OpenOptions,
  limitsOf: LimitsOf,
): Promise<ResumableRun> {
  const { at, tasks = [], codecs } = options;
  const log = await recordedUntil(journal, sourceId, at);
  const started = wrapCorruptLog(sourceId, () => startOf(log));
  requireTasks(sourceId, log, tasks);
  const given = options.plan as Plan | undefined;
  const plan = given ?? planFromData(started.plan);
  const planData = given === undefined ? started.plan : planToData(given);
  const diff = diffPlans(started.plan, planData);
  const limits = limitsOf(plan, started.limits);
  const recorded = recordedInputs(started.inputs, codecs) ?? {};
  const values = asValues('fork()', options.inputs) ?? {};
  const kept = Object.entries(recorded).filter(([name]) => !Object.hasOwn(values, name));
  const inputs = takeInputsAgain(schemaOf(plan), values, {
    ...{ recorded: Object.fromEntries(kept), hasChanged: !isSame(diff), codecs },
  });
  requireStorableInputs(inputs.inputs, codecs);
  const changed = changedInputs(recorded, inputs.inputs, codecs);
  if (given === undefined) requirePlanForInputs(sourceId, changed);
  const now = Math.max(Date.now(), (log.at(-1) as EventData).timestamp);
  const origin: RunOrigin = {
    ...{ runId: sourceId, sequence: (log.at(-1) as EventData).sequence },
    ...(tasks.length > 0 && { tasks }),
    ...(changed.length > 0 && { inputs: changed }),
    ...(!isSame(diff) && { changes: diff }),
  };
  const adopted = wrapCorruptLog(sourceId, () =>
    adoptedLog({
      ...{ runId: sourceId, log, planData, limits, now },
      inputs: inputs.inputs && toData(inputs.inputs, codecs),
      fork: origin,
    }),
  );
  if (given === undefined) requirePlan(sourceId, started.plan.tasks, adopted, false, 'forked');
  const added = addedTasks(sourceId, adopted, options, 'forked');
  return {
    ...{ plan, inputs, planData, limits, seed: started.seed, adopted, isOver: false },
    attached: new RecordedAttachments(log, adopted),
    past: { log: adopted, fold: foldLog, added, isNew: true },
    ...newRecord(journal, { id: runId, goal: plan.goal, createdAt: now }),
  };
}

/** The record is created once the plan has been checked, so that a refused fork leaves no run behind. */
function newRecord(
  journal: Journal,
  run: Parameters<Journal['create']>[0],
): Pick<ResumableRun, 'open' | 'close'> {
  let created: RunJournal | undefined;
  return {
    async open() {
      created = await journal.create(run);
      return created;
    },
    close: () => created?.close(),
  };
}

/** The events up to this one, from the start of the plan that was in force then. */
async function recordedUntil(
  journal: Journal,
  runId: string,
  at = Number.POSITIVE_INFINITY,
): Promise<readonly EventData[]> {
  let log: EventData[] = [];
  let last: number | undefined;
  for await (const event of journal.read(runId)) {
    last = event.sequence;
    if (last > at) continue;
    if (event.type === 'run_started') log = [];
    log.push(event);
  }
  if (last === undefined) {
    const message = `Run "${runId}" was created but never started: there is nothing to fork`;
    throw new StratagemError('plan_required', message);
  }
  if (at !== Number.POSITIVE_INFINITY && at > last) {
    throw new OptionError(`Run "${runId}" has no event ${at}; its last one is ${last}`);
  }
  return log;
}

/** @throws {OptionError} when one of these is no task of the run. */
function requireTasks(runId: string, log: readonly EventData[], tasks: readonly string[]): void {
  if (tasks.length === 0) return;
  const reader = new LogReader();
  wrapCorruptLog(runId, () => {
    for (const event of log) reader.read(event);
  });
  const graph = reader.state?.graph;
  const unknown = tasks.find((id) => graph?.indexOf(id) === undefined);
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, [...(graph?.ids() ?? [])]);
  throw new OptionError(`Run "${runId}" has no task "${unknown}".${hint}`);
}
