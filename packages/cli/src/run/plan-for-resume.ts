import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type EventData, isStratagemError, PlanError } from '@stratagem/core';
import { parsePlanDocument } from '@stratagem/core/document';
import { type LoadedPlan, loadPlan } from '../load/load-plan.js';
import { planWithStreams } from '../load/recorded-streams.js';
import type { Profiles } from '../options/profiles.js';
import type { ModuleFlags } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import type { CommandRecord } from './command-record.js';
import { withRetries } from './run-options.js';

export interface ResumePlanFlags extends ModuleFlags {
  readonly plan?: string;
  readonly useRecordedPlan?: boolean;
}

/**
 * Returns the plan to resume a run with: that of the plan file, so that the executor notices a
 * change, or the recorded plan when there is no file.
 *
 * @param lastStart The last run_started event in the record.
 * @param models The profiles of the configuration file.
 * @throws {UsageError} when there is no usable plan.
 */
export async function planForResume(
  runId: string,
  record: CommandRecord,
  lastStart: EventData | undefined,
  flags: ResumePlanFlags,
  models: Profiles | undefined,
): Promise<LoadedPlan> {
  const file = planFile(record, flags);
  const { allowOutside = record.flags.allowOutside } = flags;
  if (file === undefined) return recordedPlan(runId, record, lastStart, allowOutside);
  const { plan, ...rest } = await loadPlan(file, { models, allowOutside }).catch(
    (error: unknown) => {
      if (!(error instanceof UsageError) || flags.plan !== undefined) throw error;
      const hint = 'Use --use-recorded-plan to resume with the recorded plan.';
      throw new UsageError(`${error.message}\n${hint}`, { cause: error });
    },
  );
  return { plan: withRetries(plan, record.flags.retries), ...rest };
}

function planFile({ file }: CommandRecord, flags: ResumePlanFlags): string | undefined {
  if (flags.useRecordedPlan) return undefined;
  if (flags.plan !== undefined) return flags.plan;
  return file !== undefined && existsSync(file) ? file : undefined;
}

async function recordedPlan(
  runId: string,
  { strategy, models, file }: CommandRecord,
  lastStart: EventData | undefined,
  allowOutside = false,
): Promise<LoadedPlan> {
  if (lastStart === undefined) {
    throw new UsageError(`Run "${runId}" never started; start its plan with: ${COMMAND} run`);
  }
  try {
    const streamed = file && (await planWithStreams(file, lastStart.plan, allowOutside));
    const { plan } = streamed || parsePlanDocument(lastStart.plan);
    requireHeaders(runId, models);
    return {
      plan,
      ...(strategy && { strategy }),
      ...(models && { models }),
      ...(file !== undefined && { directory: dirname(file) }),
    };
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const [problem = error.message] = error.message.split('\n').slice(1);
    const why =
      file === undefined
        ? `Run "${runId}" was started from code with a plan that cannot be read from its record. Resume it from code, or use --plan with a plan file.`
        : `The plan of run "${runId}" cannot be read from its record.`;
    throw new UsageError(`${why}\n${problem.trim()}`, { cause: error });
  }
}

/** @throws {UsageError} when a recorded profile had headers, whose values are not recorded. */
function requireHeaders(runId: string, models: CommandRecord['models'] = {}): void {
  const [name] = Object.keys(models).filter((each) => models[each]?.headers !== undefined);
  if (name === undefined) return;
  throw new UsageError(
    `The headers of models.${name} of run "${runId}" are not recorded: use --plan with the plan file`,
  );
}

/** Explains in terms of the command line that the plan has changed; other errors stay as they are. */
export function explainPlanChange(error: unknown): unknown {
  if (!isStratagemError(error) || error.code !== 'plan_changed') return error;
  const [, ...changes] = error.message.split('\n');
  return new UsageError(
    [
      'The plan file differs from the plan that this run was started with:',
      ...changes,
      '',
      '--accept-changes resumes with the changed plan: unchanged completed tasks keep their outputs.',
      '--use-recorded-plan resumes with the recorded plan.',
    ].join('\n'),
    { cause: error },
  );
}
