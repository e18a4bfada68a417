import { checkOptions } from '../contract/check-options.js';
import { OptionError, show } from '../contract/errors.js';
import type { Json } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { asValues, type InputValues, secretsOf, takeInputs } from '../contract/plan-inputs.js';
import { checkRunId, newRunId } from '../contract/run-id.js';
import type { RunQueue } from '../contract/run-queue.js';
import { requireStorableInputs } from '../journal/record-inputs.js';
import { checkRunOptions, type RunOptions, withoutUndefined } from '../runtime/options.js';
import { planToData } from '../serialize/plan.js';
import { toData, UnstorableError } from '../serialize/value.js';
import { DEFAULT_MAX_DEPTH, graphOf } from '../validate/plan.js';

/** The options of a run that are plain JSON. */
export const QUEUED_OPTIONS = [
  'maxParallel',
  'resources',
  'failFast',
  'deadlineMs',
  'timeoutMs',
  'idleTimeoutMs',
  'retry',
  'budget',
  'prices',
  'maxDepth',
  'reuse',
  'maxOutputBytes',
] as const satisfies readonly (keyof RunOptions)[];

export type QueuedOptions = Pick<RunOptions, (typeof QUEUED_OPTIONS)[number]>;

export interface SubmitOptions extends QueuedOptions {
  /**
   * The id of the run: at most 128 letters, digits, `.`, `_` and `-`, not starting with `.`.
   * @default a random one
   */
  readonly runId?: string | undefined;
  /**
   * Whose run it is, in at most 200 characters: tenants with waiting runs get equal shares.
   * @default ''
   */
  readonly tenant?: string | undefined;
  /** Values for the inputs of the plan. Secret ones come from the environment of the coordinator. */
  readonly inputs?: InputValues | undefined;
}

const MAX_TENANT = 200;

/**
 * Queues a run for the coordinators of a queue. Functions and schemas of libraries are not stored: a
 * coordinator has such plans among its `plans`.
 *
 * @returns The id of the run, when it is durable.
 * @throws {PlanError} when the plan is invalid, with all its problems.
 * @throws {InputsError} when values of inputs are missing, unknown or wrong, with all problems.
 * @throws {OptionError} when an option is invalid.
 *
 * @example
 * const runId = await submitRun(queue, plan, { tenant: 'acme', inputs: { company: 'Apple' } });
 */
export async function submitRun(
  queue: RunQueue,
  plan: Plan<unknown>,
  options: SubmitOptions = {},
): Promise<string> {
  checkOptions('submitRun()', options, ['runId', 'tenant', 'inputs', ...QUEUED_OPTIONS]);
  if (typeof queue?.submit !== 'function') {
    throw new OptionError('submitRun() needs a queue of runs, such as postgresJournal()');
  }
  const { runId = newRunId(), tenant, inputs: given, ...settings } = options;
  checkRunId('submitRun()', runId);
  checkTenant(tenant);
  checkRunOptions('submitRun()', settings);
  graphOf(plan, settings.maxDepth ?? DEFAULT_MAX_DEPTH);
  const inputs = inputsOf(plan, asValues('submitRun()', given));
  await queue.submit({
    id: runId,
    goal: plan.goal,
    createdAt: Date.now(),
    plan: planToData(plan as Plan),
    ...(inputs !== undefined && { inputs }),
    options: optionsToData(withoutUndefined(settings)),
    ...(tenant !== undefined && { tenant }),
  });
  return runId;
}

function checkTenant(tenant: unknown): void {
  if (tenant === undefined || (typeof tenant === 'string' && tenant.length <= MAX_TENANT)) return;
  const shown = typeof tenant === 'string' ? `${tenant.length} characters long` : show(tenant);
  throw new OptionError(
    `submitRun(): tenant must be a text of at most ${MAX_TENANT} characters; it is ${shown}`,
  );
}

/** The given values as data, once they fit the plan. */
function inputsOf({ inputs: schema }: Plan<unknown>, given: InputValues = {}): Json | undefined {
  const secrets = schema === undefined ? [] : secretsOf(schema);
  const secret = secrets.find((name) => given[name] !== undefined);
  if (secret !== undefined) {
    throw new OptionError(
      `submitRun(): the input "${secret}" is secret and would be stored; set its environment variable where the coordinators run`,
    );
  }
  // Secrets are in the environment of the coordinator, not in this one.
  if (secrets.length === 0) takeInputs(schema, given);
  requireStorableInputs(given);
  return Object.keys(given).length === 0 ? undefined : (toData(given) as Json);
}

function optionsToData(options: QueuedOptions): Json {
  try {
    return toData(options) as Json;
  } catch (error) {
    if (!(error instanceof UnstorableError)) throw error;
    throw new OptionError(`submitRun(): the options cannot be stored: ${error.message}`);
  }
}
