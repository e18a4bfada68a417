import { type EventData, isStratagemError, type Journal, readRun } from '@stratagem/core';
import { findRun } from '../load/find-run.js';
import { withJournal } from '../load/open-journal.js';
import { UsageError } from '../output/exit-code.js';
import { commandJournal } from '../run/command-journal.js';
import { type CommandRecord, recordIn } from '../run/command-record.js';
import { type DriveFlags, driveRun } from '../run/execute-run.js';
import { explained, planToResume, type ResumePlanFlags } from '../run/plan-for-resume.js';
import { checkGivenAnswers } from '../run/preset-answers.js';
import { recordingIn } from '../run/recording.js';
import { type ExecutorFlags, withExecutor } from '../run/with-executor.js';
import { type LimitFlags, lackOf, limitsOf, tellOfSimulation } from './run.js';

export interface ResumeFlags
  extends ExecutorFlags,
    DriveFlags,
    ResumePlanFlags,
    Pick<LimitFlags, 'deadline' | 'budgetTokens' | 'budgetCost' | 'prices'> {
  readonly journal: string;
  readonly retryFailed?: boolean;
  readonly adopt?: boolean;
  /** Of the run, which was started with it. */
  readonly reuse?: boolean;
}

/** `stratagem resume`: the exit code of the run. */
export async function resumeCommand(wanted: string, flags: ResumeFlags): Promise<number> {
  if (flags.asRecorded && (flags.adopt || flags.plan !== undefined)) {
    const other = flags.adopt ? '--adopt' : '--plan';
    throw new UsageError(`--as-recorded and ${other} contradict each other: leave one out`);
  }
  return withJournal(flags.journal, async (opened) => {
    const { id } = await findRun(opened, wanted);
    const starts = await startsOf(opened, id);
    const record = recordIn(starts[0]);
    const { plan, strategy } = await planToResume(id, record, starts.at(-1), flags);
    const merged = mergedFlags(record, flags);
    checkGivenAnswers(plan, merged);
    const journal = commandJournal(opened, record);
    return withExecutor(merged, strategy, journal, async (executor) => {
      await tellOfSimulation(merged);
      const options = {
        plan,
        // Those that it was started with are in its record.
        ...(await limitsOf({ ...flags, prices: merged.prices })),
        ...(flags.retryFailed && { retryFailed: true }),
        ...(flags.adopt && { adopt: true }),
        ...(merged.reuse && { reuse: true }),
      };
      const recording = recordingIn(flags.journal, journal, readRun(opened, id));
      try {
        const start = (more: object) => executor.resume(id, { ...options, ...more });
        return await driveRun(start, merged, recording);
      } catch (error) {
        throw isStratagemError(error) ? lackOf(explained(error)) : error;
      }
    });
  });
}

/** The events that begin a plan: the first of the run, and one for each plan that was adopted. */
async function startsOf(journal: Journal, runId: string): Promise<EventData[]> {
  const starts: EventData[] = [];
  for await (const event of journal.read(runId)) {
    if (event.type === 'plan_started') starts.push(event);
  }
  return starts;
}

/** The options of the run, under those that are given now. A runner that is given is a new choice. */
function mergedFlags({ flags: recorded }: CommandRecord, given: ResumeFlags): ResumeFlags {
  const { secretBaseUrl, ...all } = recorded;
  const { runner: _, model: __, baseUrl: ___, latency: ____, replay: _____, ...others } = all;
  const isOtherRunner = given.runner !== undefined || given.replay !== undefined;
  if (secretBaseUrl && !isOtherRunner && given.baseUrl === undefined) {
    throw new UsageError(
      'The --base-url of this run held a user, a password or a query, which is not recorded: give it again',
    );
  }
  return { ...(isOtherRunner ? others : all), ...given };
}
