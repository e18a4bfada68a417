import type { ErrorCode } from '@stratagem/core';
import { literalsOf } from '../declarations.js';
import { table } from '../tables.js';

const FILE = 'packages/core/src/contract/errors.ts';

/** What a code means where the code itself does not say so, and what to do. */
interface Advice {
  readonly meaning?: string;
  readonly remedy: string;
}

const USE = {
  invalid_plan: {
    meaning: 'The plan has problems; `problems` of the error lists all of them.',
    remedy: 'Repair what each problem names. `stratagem validate plan.yaml` shows file and line.',
  },
  invalid_inputs: {
    meaning: 'Values for the inputs of the plan are missing, unknown or wrong.',
    remedy: 'Give the values that the message lists, with `inputs` or `--input name=value`.',
  },
  invalid_option: {
    meaning: 'An option or an argument is wrong.',
    remedy: 'The message names the option and the values that it accepts.',
  },
  missing_runner: {
    meaning: 'A task needs a model, and the executor has no `runner`.',
    remedy: 'Pass a `runner`, such as `openai()`, or give the task a `run` function.',
  },
  unsupported_tools: {
    meaning: 'A task lists tools, and its runner does not call any.',
    remedy: 'Use a runner with `supportsTools`, or call the tool in a task of its own (`tool`).',
  },
  invalid_strategy: {
    meaning: 'A strategy broke its contract: it threw, or chose a task that is not ready.',
    remedy: 'Run `strategyConformance` on your strategy; it names the broken rule.',
  },
  not_waiting: {
    meaning: 'An answer or an approval came for a task that does not wait for one.',
    remedy: 'Answer after its `task_waiting` event, and only once.',
  },
  unknown_task: {
    meaning: 'The run has no task with this id.',
    remedy: 'Check the id. Items of fan-outs have ids such as `analyse[0]`.',
  },
  task_ended: {
    meaning: 'The task has ended already, so that it cannot be canceled or skipped.',
    remedy: 'Nothing to do.',
  },
  run_ended: {
    meaning: 'The run has ended already.',
    remedy: 'Start a new run; `reuse` takes over the outputs of unchanged tasks.',
  },
  run_not_open: {
    meaning: 'The recorded run has ended, so that it cannot be resumed.',
    remedy: 'Pass `retryFailed` to run failed tasks again, or start a new run.',
  },
  plan_changed: {
    meaning: 'The plan differs from the recorded one. The message lists the differences.',
    remedy: 'Resume with the recorded plan, or pass `acceptChanges` (`--accept-changes`).',
  },
  plan_required: {
    meaning: 'The recorded plan has functions or schemas, which cannot be read from a journal.',
    remedy: 'Pass the plan: `executor.resume(runId, { plan })`.',
  },
} satisfies Partial<Record<ErrorCode, Advice>>;

const RUN = {
  run_failed: {
    meaning: 'Tasks failed, so that the plan did not complete.',
    remedy: 'Read `failedTaskIds` and the error of the first one. `retryFailed` runs them again.',
  },
  run_canceled: {
    meaning: '`cancel()` was called, or the signal was aborted.',
    remedy: 'Nothing to do. The result has all outputs so far.',
  },
  run_interrupted: {
    meaning: 'This process has ended its part in the run, which stays open in its journal.',
    remedy: 'Resume the run: `executor.resume(runId)` or `stratagem resume`.',
  },
  deadline_exceeded: {
    meaning: 'The run took longer than `deadlineMs`.',
    remedy: 'Allow more time or more tasks at once. The report shows what decided the time.',
  },
  goal_not_achieved: {
    meaning: 'All tasks ended, and the criteria of the goal are not met.',
    remedy: 'Look at `goal` of the result. `replan` can ask for more tasks.',
  },
  goal_achieved: {
    meaning: 'The goal was met before this task ran.',
    remedy: 'Nothing to do. The plan completes.',
  },
  budget_exceeded: {
    meaning: 'The next start would have exceeded the budget.',
    remedy: 'Raise the budget, or use a cheaper model. See the guide to budgets.',
  },
  replan_failed: {
    meaning: 'A round of re-planning failed; its `cause` says why.',
    remedy: 'Repair the cause. The plan ends as it would without the round.',
  },
} satisfies Partial<Record<ErrorCode, Advice>>;

const JOURNAL = {
  run_exists: { remedy: 'Choose another `runId`, or resume the run.' },
  run_not_found: { remedy: 'Check the id and the journal: `stratagem runs --journal DIR`.' },
  run_locked: {
    remedy: 'Wait until the other process ends, or end it. A lease of a dead one runs out.',
  },
  run_not_queued: {
    remedy: 'Submit runs that other processes are to change: `stratagem submit`, or `submitRun()`.',
  },
  journal_corrupt: { remedy: 'Restore a copy. The message says where the damage is.' },
  journal_newer: { remedy: 'Update Stratagem in this process.' },
  journal_read_only: { remedy: 'Open it for writing, and check the rights of the file.' },
  journal_full: { remedy: 'Free some space, then resume the run: nothing acknowledged is lost.' },
  journal_failed: { remedy: 'The `cause` is the error of the store.' },
} satisfies Partial<Record<ErrorCode, Advice>>;

const ATTEMPT = {
  task_failed: {
    remedy: 'Read the `cause`. Throw a `RunnerError` with a code to have it tried again.',
  },
  invalid_output: { remedy: 'Simplify the schema, say more in the prompt, or retry on this code.' },
  invalid_input: { remedy: 'Check the references of the task against the outputs that it got.' },
  subtasks_failed: { remedy: 'Look at the subtasks. `minSuccess` allows some items to fail.' },
  loop_exhausted: { remedy: 'Raise `maxIterations`, or weaken `until`.' },
  rejected: { remedy: 'Nothing to do: somebody said no.' },
  missing_api_key: { remedy: 'Set the variable that the message names.' },
  authentication: {
    meaning: 'The server does not accept the credential.',
    remedy: 'Check the key, and that it belongs to this server.',
  },
  permission_denied: {
    meaning: 'The credential may not use this model or function.',
    remedy: 'Ask for access, or choose another model.',
  },
  insufficient_quota: {
    meaning: 'The account has no credit left.',
    remedy: 'Add credit. It is not tried again, because waiting does not help.',
  },
  invalid_request: {
    meaning: 'The server does not accept the request.',
    remedy: 'Its message is in the error: often an option that the model does not know.',
  },
  context_length_exceeded: { remedy: 'Shorten the inputs, or split the task with `forEach`.' },
  not_found: {
    meaning: 'The server does not know the model or the address.',
    remedy: 'Check the name of the model and the base URL.',
  },
  rate_limited: {
    remedy: 'Tried again. Use `rateLimit()` or `adaptive()` to be refused less often.',
  },
  overloaded: { remedy: 'Tried again. `fallback()` can ask another provider.' },
  server_error: {
    meaning: 'The server failed.',
    remedy: 'Tried again. Give its support the `requestId`.',
  },
  timeout: {
    meaning: 'The attempt took longer than `timeoutMs`, or was silent for `idleTimeoutMs`.',
    remedy: 'Tried again. Allow more time, or run fewer tasks at once.',
  },
  connection: { remedy: 'Tried again. Check the base URL and the proxy.' },
  refused: { remedy: 'Change the prompt, or ask another model with `fallback()`.' },
  truncated: { remedy: 'Raise `maxOutputTokens`, or ask for less.' },
  step_limit: { remedy: 'Raise the limit of steps, or give the model fewer tools.' },
  aborted: { remedy: 'Nothing to do: see why the run stopped.' },
  canceled: { remedy: 'Nothing to do: see the reason in the event.' },
} satisfies Partial<Record<ErrorCode, Advice>>;

/** Each code must have a remedy: a new one without is a type error here. */
const ADVICE: Readonly<Record<ErrorCode, Advice>> = { ...USE, ...RUN, ...JOURNAL, ...ATTEMPT };

/** The reference of error codes. */
export function errorReference(): string {
  const attempt = literalsOf(FILE, 'ATTEMPT_ERROR_CODES');
  const journal = literalsOf(FILE, 'JOURNAL_ERROR_CODES');
  const others = [...literalsOf(FILE, 'ErrorCode').keys()];
  const known = [...attempt.keys(), ...journal.keys(), ...others].sort();
  if (known.join() !== Object.keys(ADVICE).sort().join())
    throw new Error(`codes with advice: ${Object.keys(ADVICE)}; codes in the code: ${known}`);
  const meanings = new Map([...attempt, ...journal]);
  return `# Error codes

Every error has a \`code\`. It is stable: match on it, never on the message. The message names the part concerned and
says what to do; the \`cause\` is the error behind it.

## Use of the library

Thrown before anything runs, or by a method of a run.

${rows(Object.keys(USE), meanings)}

## The end of a run

In \`result.error\`, and in the events \`run_failed\` and \`run_canceled\`.

${rows(Object.keys(RUN), meanings)}

## An attempt at a task

In \`task_failed\` and \`task_retrying\`, with \`taskId\`, and often \`status\`, \`requestId\` and \`retryAfterMs\`. A runner throws them
as \`new RunnerError(code, message)\`. By default, \`rate_limited\`, \`overloaded\`, \`server_error\`, \`timeout\` and
\`connection\` are tried again.

${rows(Object.keys(ATTEMPT), meanings)}

## The journal

Thrown as a \`JournalError\`; a run that cannot be recorded ends with one.

${rows(Object.keys(JOURNAL), meanings)}
`;
}

function rows(codes: readonly string[], meanings: ReadonlyMap<string, string>): string {
  return table(
    ['code', 'meaning', 'what to do'],
    codes.map((code) => {
      const { meaning = meanings.get(code), remedy } = ADVICE[code as ErrorCode];
      if (!meaning) throw new Error(`${code} has no meaning`);
      return [`\`${code}\``, meaning, remedy];
    }),
  );
}
