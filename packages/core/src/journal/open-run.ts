import type { ValueCodec } from '../contract/codec.js';
import { StratagemError } from '../contract/errors.js';
import type { RunLimits } from '../contract/event.js';
import type { EventData, Journal, OpenedRun, RunJournal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { asValues, type TakenInputs, takeInputs } from '../contract/plan-inputs.js';
import { isStandardSchema, type StandardSchema } from '../contract/schema.js';
import type { RecordedRun } from '../kernel/recorded-run.js';
import { foldLog } from '../kernel/recover.js';
import { planFromData } from '../serialize/decode-plan.js';
import { type PlanData, planToData } from '../serialize/plan.js';
import { PlanChangedError } from '../serialize/plan-changed-error.js';
import { diffPlans, isSame } from '../serialize/plan-diff.js';
import { toData } from '../serialize/value.js';
import { adoptedLog } from './adopt.js';
import { wrapCorruptLog } from './corrupt-log.js';
import { recordedInputs, requireStorableInputs, takeInputsAgain } from './record-inputs.js';
import { RecordedAttachments } from './recorded-attachments.js';
import { addedTasks, requirePlan, startOf } from './recorded-plan.js';
import { type ResumeOptions, randomSeed } from './resume-options.js';

/** A recorded run that is ready to be resumed. */
export interface ResumableRun {
  readonly plan: Plan;
  readonly inputs: TakenInputs;
  readonly planData: PlanData;
  readonly limits: RunLimits;
  readonly seed: number;
  /** The record to append to. */
  open(): Promise<RunJournal>;
  /** Releases the record, where nothing has taken it over. */
  close(): void | Promise<void>;
  /** The recorded events; undefined for a run that was created but never started. */
  readonly past: RecordedRun | undefined;
  /** Events that replace the plan; to be appended once the changed plan has been validated. */
  readonly adopted: readonly EventData[];
  /** The bytes in the log that tasks attach. */
  readonly attached: RecordedAttachments;
  /** Whether the run has ended, so that only its result is read. */
  readonly isOver: boolean;
}

/** What `resume` was given. */
export type OpenOptions = ResumeOptions & { readonly codecs?: readonly ValueCodec[] | undefined };

/** The limits of the resumed run, given the recorded ones. */
export type LimitsOf = (plan: Plan, recorded: RunLimits) => RunLimits;

/**
 * Takes the lease of a run and prepares it for resumption.
 *
 * Rejects with the errors of `Journal.open`, with `plan_required`, `plan_changed` and
 * `journal_corrupt`; the lease is then released.
 */
export async function openRun(
  journal: Journal,
  runId: string,
  options: OpenOptions,
  limitsOf: LimitsOf,
): Promise<ResumableRun> {
  const opened = await journal.open(runId);
  try {
    return resumableRun(opened, options, limitsOf);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function resumableRun(journal: OpenedRun, options: OpenOptions, limitsOf: LimitsOf): ResumableRun {
  const { runId, events } = journal;
  const given = options.plan as Plan | undefined;
  if (events.length === 0) return unstartedRun(journal, given, options, limitsOf);
  const log = events.slice(events.findLastIndex(({ type }) => type === 'run_started'));
  const started = wrapCorruptLog(runId, () => startOf(log));
  const planData = given === undefined ? started.plan : planToData(given);
  const plan = given ?? planFromData(started.plan);
  const limits = limitsOf(plan, started.limits);
  const { retryFailed = false } = options;
  const hasEnded = ENDINGS.includes((log.at(-1) as EventData).type);
  const recorded = recordedInputs(started.inputs, options.codecs);
  const isRead = hasEnded && !retryFailed && !options.acceptChanges;
  const diff = diffPlans(started.plan, planData);
  const hasChanged = !isSame(diff);
  if (hasChanged && !options.acceptChanges) throw new PlanChangedError(runId, diff);
  const values = asValues('resume()', options.inputs);
  const { codecs } = options;
  const inputs = isRead
    ? { inputs: recorded, secrets: undefined }
    : takeInputsAgain(schemaOf(plan), values, { recorded, hasChanged, codecs });
  const record = recordOf(journal);
  const run = { plan, inputs, planData, limits, seed: started.seed, ...record };
  if (hasChanged) return adoptedRun(runId, run, log, options);
  const isOver = hasEnded && !retryFailed;
  if (given === undefined && !isOver) requirePlan(runId, started.plan.tasks, log, retryFailed);
  const added = isOver ? new Map() : addedTasks(runId, log, options);
  const attached = new RecordedAttachments(log);
  return {
    ...run,
    attached,
    past: { log, fold: foldLog, retryFailed, added },
    adopted: [],
    isOver,
  };
}

function recordOf(opened: OpenedRun): Pick<ResumableRun, 'open' | 'close'> {
  return {
    async open() {
      // They were taken over, and would stay in memory as long as the run writes its record.
      if (Object.getOwnPropertyDescriptor(opened, 'events')?.writable) {
        Object.assign(opened, { events: [] });
      }
      return opened;
    },
    close: () => opened.close(),
  };
}

/** The schema of the inputs; an invalid one is reported with the other problems of the plan. */
export function schemaOf({ inputs }: Plan): StandardSchema | undefined {
  return isStandardSchema(inputs) ? inputs : undefined;
}

/** A run that was created and has no events: it starts now. */
function unstartedRun(
  journal: OpenedRun,
  plan: Plan | undefined,
  options: OpenOptions,
  limitsOf: LimitsOf,
): ResumableRun {
  if (plan === undefined) throw neverStarted(journal.runId);
  const limits = limitsOf(plan, {});
  const planData = planToData(plan);
  const seed = randomSeed();
  const inputs = takeInputs(schemaOf(plan), asValues('resume()', options.inputs));
  requireStorableInputs(inputs.inputs, options.codecs);
  return {
    plan,
    inputs,
    planData,
    limits,
    seed,
    ...recordOf(journal),
    past: undefined,
    adopted: [],
    attached: new RecordedAttachments(),
    isOver: false,
  };
}

/** A run whose plan is replaced by a changed one. */
function adoptedRun(
  runId: string,
  run: Omit<ResumableRun, 'past' | 'adopted' | 'attached' | 'isOver'>,
  log: readonly EventData[],
  options: OpenOptions,
): ResumableRun {
  const { planData, limits, inputs: taken } = run;
  const now = Math.max(Date.now(), (log.at(-1) as EventData).timestamp);
  requireStorableInputs(taken.inputs, options.codecs);
  const inputs = taken.inputs && toData(taken.inputs, options.codecs);
  const adopted = wrapCorruptLog(runId, () =>
    adoptedLog({ runId, log, planData, limits, inputs, now }),
  );
  const added = addedTasks(runId, adopted, options);
  const attached = new RecordedAttachments(log, adopted);
  return { ...run, attached, past: { log: adopted, fold: foldLog, added }, adopted, isOver: false };
}

const ENDINGS = ['run_completed', 'run_failed', 'run_canceled'];

function neverStarted(runId: string): StratagemError {
  const message = `Run "${runId}" was created but never started. Pass its plan as \`plan\` to start it`;
  return new StratagemError('plan_required', message);
}
