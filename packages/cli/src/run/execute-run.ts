import type {
  PlanResult,
  RunEvent,
  RunHandle,
  RunOptions,
  TaskWaiting,
  ToolApprovalRequested,
} from '@stratagem/core';
import { isJournalError } from '../load/open-journal.js';
import type { FileFlags, OutputFlags, PageFlags } from '../options/page-flags.js';
import { checkProgressFlags, type ProgressFlags } from '../options/progress-flags.js';
import type { PresetAnswers } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { createProgress } from '../output/create-progress.js';
import { EXIT } from '../output/exit-code.js';
import { finalOutputs } from '../output/final-outputs.js';
import { runDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { printResult } from '../output/result-file.js';
import { checkRunFiles, writeRunFiles } from '../output/run-files.js';
import { runSummary } from '../output/run-summary.js';
import { shellQuote } from '../output/shell-quote.js';
import { write } from '../output/streams.js';
import { forTerminal } from '../output/terminal-text.js';
import { HumanSteps } from './human-steps.js';
import type { Recording } from './recording.js';
import { openRunPage } from './run-page.js';
import { interruptProcess, signalExitCode, stopOnSignals } from './signals.js';
import { openTerminal } from './terminal.js';

const STOPPING = 'Stopping. Press Ctrl-C again to quit at once.\n';
const FINISHING = 'Finishing the attempts in flight. A second signal quits at once.\n';

export interface ExecuteFlags
  extends ProgressFlags,
    PresetAnswers,
    FileFlags,
    PageFlags,
    OutputFlags {
  readonly json?: boolean;
  /** The option that names the journal in the commands for this run; undefined without a journal. */
  readonly journalOption?: string;
  /** The date of the price list behind the costs. */
  readonly pricesAsOf?: string | undefined;
}

/** What a view needs of a run, in this process or elsewhere. */
export type ViewedRun = PromiseLike<PlanResult> &
  Pick<RunHandle, 'runId' | 'cancel' | 'interrupt' | 'answer' | 'approve' | 'reject'> & {
    /** Whether other processes can answer its questions, too: without a terminal, it waits for them. */
    readonly isAnsweredElsewhere?: true;
  };

/**
 * Starts a run, shows its progress, asks its questions, and prints its result.
 *
 * @returns The exit code of the run.
 */
export async function executeRun(
  start: (options: RunOptions) => ViewedRun,
  flags: ExecuteFlags,
  recording?: Recording,
): Promise<number> {
  checkProgressFlags(flags);
  await checkRunFiles(flags);
  const page = await openRunPage(flags, recording);
  const progress = createProgress(flags);
  const isText = !flags.quiet && flags.logFormat !== 'json';
  const openQuestions = new Map<string, TaskWaiting>();
  const openCalls = new Set<ToolApprovalRequested>();
  for await (const event of recording?.history ?? []) {
    progress.restore(event);
    if (event.type === 'task_waiting') openQuestions.set(event.taskId, event);
    else if (event.type === 'tool_approval_requested') openCalls.add(event);
    else if (event.type === 'tool_approval_decided') dropCalls(openCalls, event.taskId, event.key);
    else if (event.type === 'task_retrying') dropCalls(openCalls, event.taskId);
    else if (isSettled(event)) {
      openQuestions.delete(event.taskId);
      dropCalls(openCalls, event.taskId);
    }
  }

  let stopReason: string | undefined;
  let hasStarted = false;
  const run = start({
    onEvent(event) {
      if (!hasStarted && isText) printBeside(recording?.startMessage(run));
      hasStarted = true;
      progress.onEvent(event);
      if (event.type === 'run_resumed') {
        for (const question of openQuestions.values()) humans.onWaiting(question);
        for (const call of openCalls) humans.onCall(call);
      } else if (event.type === 'task_waiting') humans.onWaiting(event);
      else if (event.type === 'tool_approval_requested') humans.onCall(event);
      else if (event.type === 'tool_approval_decided') humans.onDecided(event.taskId, event.key);
      else if (event.type === 'task_retrying') humans.onAttemptEnded(event.taskId);
      else if (isSettled(event)) humans.onSettled(event.taskId);
    },
  });
  const printBeside = (text: string | undefined) => {
    if (text === undefined) return;
    progress.suspend();
    process.stderr.write(text);
    progress.resume();
  };
  /** A recorded run stays open, so that it can be resumed. */
  const end = (reason: string, drain: boolean) => {
    if (recording === undefined) run.cancel(reason);
    else void run.interrupt({ drain });
  };
  const stop = (reason: string) => {
    stopReason ??= reason;
    end(reason, false);
  };
  // A deployment that sends SIGTERM lets the process finish its work. A person does not wait.
  const signals = stopOnSignals((reason, signal) => {
    const drains = signal === 'SIGTERM' && recording !== undefined;
    // The attempts may take a while to end.
    const text = drains ? FINISHING : STOPPING;
    if (isText) printBeside(recording?.stopMessage?.(run) ?? text);
    end(reason, drains);
  });
  const terminal = openTerminal(progress, interruptProcess);
  const isElsewhere = run.isAnsweredElsewhere === true;
  const humans = new HumanSteps(run, flags, terminal, stop, page !== undefined || isElsewhere);
  const retryCommand = retryCommandOf(run.runId, flags.journalOption);
  // Only runs of this process have a page.
  printBeside(page?.attach(run as RunHandle, retryCommand));
  let result: PlanResult;
  try {
    result = await run;
  } catch (error) {
    signals.stop();
    await page?.close();
    throw error;
  } finally {
    humans.close();
    progress.stop();
  }

  // The journal could not be used at all, which is an error of usage.
  if (!hasStarted && isJournalError(result.error)) {
    signals.stop();
    await page?.close();
    throw result.error;
  }
  const document = flags.json
    ? `${jsonText(runDocument(result, run.runId))}\n`
    : finalOutputs(result, flags);
  await printResult(document, flags);
  // Until here, a second signal also ends the wait for a slow reader of the output.
  signals.stop();
  const commands = recording?.nextCommands(run, result);
  const isQuiet = flags.quiet && result.status === 'completed';
  const hasSummary = !isQuiet && flags.logFormat !== 'json';
  if (hasSummary) {
    await write(process.stderr, runSummary(result, { pricesAsOf: flags.pricesAsOf, commands }));
  }
  // The summary of a canceled run says why; that of a recorded one, which stays open, does not.
  if (stopReason !== undefined && !(hasSummary && result.status === 'canceled')) {
    await write(process.stderr, `stratagem: ${forTerminal(stopReason)}\n`);
  }
  const areWritten = await writeFiles(flags, run, result, retryCommand);
  await (signals.received === undefined ? page?.linger() : page?.close());
  if (!areWritten) return EXIT.failed;
  return stopReason === undefined ? exitCodeOf(result, signals.received) : EXIT.failed;
}

function retryCommandOf(runId: string, journalOption: string | undefined): string | undefined {
  if (journalOption === undefined) return undefined;
  return `${COMMAND} resume ${shellQuote(runId)}${journalOption} --retry-failed`;
}

/** The result has been printed by now: a file that cannot be written is a message, not the end. */
async function writeFiles(
  flags: ExecuteFlags,
  { runId }: ViewedRun,
  { timeline, status }: PlanResult,
  retryCommand: string | undefined,
): Promise<boolean> {
  const { pricesAsOf } = flags;
  try {
    const files = await writeRunFiles(flags, timeline, { runId, status, retryCommand, pricesAsOf });
    for (const file of files) await write(process.stderr, `Wrote ${forTerminal(file)}\n`);
    return true;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await write(process.stderr, `stratagem: ${forTerminal(error.message)}\n`);
    return false;
  }
}

/** Forgets the calls of a task that wait, or one of them. */
function dropCalls(calls: Set<ToolApprovalRequested>, taskId: string, key?: string): void {
  for (const call of calls) {
    if (call.taskId === taskId && (key ?? call.key) === call.key) calls.delete(call);
  }
}

type SettledEvent = Extract<
  RunEvent,
  { type: 'task_completed' | 'task_failed' | 'task_canceled' | 'task_skipped' }
>;

function isSettled(event: RunEvent): event is SettledEvent {
  switch (event.type) {
    case 'task_completed':
    case 'task_failed':
    case 'task_canceled':
    case 'task_skipped':
      return true;
    default:
      return false;
  }
}

function exitCodeOf({ status }: PlanResult, signal: NodeJS.Signals | undefined): number {
  if (status === 'completed') return EXIT.completed;
  return status === 'failed' ? EXIT.failed : signalExitCode(signal);
}
