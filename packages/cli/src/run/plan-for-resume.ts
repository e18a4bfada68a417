import { existsSync } from 'node:fs';
import { type EventData, isStratagemError, PlanError } from '@stratagem/core';
import { parsePlanDocument } from '@stratagem/core/document';
import { withRetries } from '../commands/run.js';
import { type LoadedPlan, loadPlan } from '../load/load-plan.js';
import { UsageError } from '../output/exit-code.js';
import type { CommandRecord } from './command-record.js';

export interface ResumePlanFlags {
  readonly plan?: string;
  readonly asRecorded?: boolean;
}

/**
 * The plan that a run goes on with: that of the file it came from, as it is now, so that a change is
 * noticed; else the one that is recorded.
 *
 * @param started The last start of the plan in the record.
 * @throws {UsageError} when there is none that can be used.
 */
export async function planToResume(
  runId: string,
  record: CommandRecord,
  started: EventData | undefined,
  flags: ResumePlanFlags,
): Promise<LoadedPlan> {
  const file = fileOf(record, flags);
  if (file === undefined) return recordedPlan(runId, record, started);
  const { plan, strategy } = await loadPlan(file).catch((error: unknown) => {
    if (!(error instanceof UsageError) || flags.plan !== undefined) throw error;
    const hint = '--as-recorded goes on with the plan as it was.';
    throw new UsageError(`${error.message}\n${hint}`, { cause: error });
  });
  return { plan: withRetries(plan, record.flags.retries), ...(strategy && { strategy }) };
}

function fileOf({ file }: CommandRecord, flags: ResumePlanFlags): string | undefined {
  if (flags.asRecorded) return undefined;
  if (flags.plan !== undefined) return flags.plan;
  return file !== undefined && existsSync(file) ? file : undefined;
}

function recordedPlan(
  runId: string,
  { strategy }: CommandRecord,
  started: EventData | undefined,
): LoadedPlan {
  if (started === undefined) {
    throw new UsageError(`Run "${runId}" never began: start its plan with stratagem run`);
  }
  try {
    const { plan } = parsePlanDocument(started.plan);
    return { plan, ...(strategy && { strategy }) };
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const [problem = error.message] = error.message.split('\n').slice(1);
    throw new UsageError(
      `Run "${runId}" was started from code, with what no plan file can say: resume it from there, or ` +
        `give its plan as a file with --plan.\n${problem.trim()}`,
      { cause: error },
    );
  }
}

/** Why a run cannot go on, in terms of the command line. */
export function explained(error: unknown): unknown {
  if (!isStratagemError(error)) return error;
  if (error.code !== 'plan_changed') return error;
  const [, ...changes] = error.message.split('\n');
  return new UsageError(
    [
      'The plan file is not what this run was started with:',
      ...changes,
      '',
      '--adopt goes on with it as it is now: what is complete and unchanged stays, the rest is done.',
      '--as-recorded goes on with the plan as it was.',
    ].join('\n'),
    { cause: error },
  );
}
