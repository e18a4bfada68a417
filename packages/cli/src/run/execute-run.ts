import type { PlanEvent, PlanResult, RunHandle, RunOptions, TaskWaiting } from '@stratagem/core';
import { isOfJournal } from '../load/open-journal.js';
import { createProgress } from '../output/create-progress.js';
import { EXIT } from '../output/exit-code.js';
import { jsonDocument } from '../output/json-documents.js';
import { jsonText } from '../output/json-text.js';
import { report } from '../output/run-report.js';
import { write } from '../output/streams.js';
import { type GivenAnswers, HumanSteps } from './human-steps.js';
import { cancelOnSignals } from './signals.js';
import { terminalOf } from './terminal.js';

export interface DriveFlags extends GivenAnswers {
  readonly json?: boolean;
}

/** A run that is recorded: what is to be said and done because of that. */
export interface Recording {
  /** What happened before, of a run that goes on. */
  readonly past?: AsyncIterable<PlanEvent>;
  /** The user is stopping it. */
  interrupt(): void;
  /** What to say as soon as it has begun. */
  begun(run: RunHandle): string;
  /** What to say at the end, about going on with it. */
  ended(run: RunHandle, result: PlanResult): string;
}

/**
 * Starts a run, shows how it goes, asks who has to be asked, and prints what it brought.
 *
 * @returns The exit code of the run.
 */
export async function driveRun(
  start: (options: RunOptions) => RunHandle,
  flags: DriveFlags,
  recording?: Recording,
): Promise<number> {
  const progress = createProgress();
  const questions = new Map<string, TaskWaiting>();
  for await (const event of recording?.past ?? []) {
    progress.recall(event);
    if (event.type === 'task_waiting') questions.set(event.taskId, event);
    else if (isSettled(event)) questions.delete((event as { taskId: string }).taskId);
  }

  let stoppedFor: string | undefined;
  let isFirst = true;
  const run = start({
    onEvent(event) {
      if (isFirst) tell(recording?.begun(run));
      isFirst = false;
      progress.onEvent(event);
      if (event.type === 'run_resumed')
        for (const each of questions.values()) humans.onWaiting(each);
      else if (event.type === 'task_waiting') humans.onWaiting(event);
      else if (isSettled(event)) humans.onSettled((event as { taskId: string }).taskId);
    },
  });
  const tell = (text: string | undefined) => {
    if (text === undefined) return;
    progress.suspend();
    process.stderr.write(text);
    progress.resume();
  };
  const cancel = (why: string) => {
    recording?.interrupt();
    run.cancel(why);
  };
  const stop = (why: string) => {
    stoppedFor ??= why;
    cancel(why);
  };
  const signals = cancelOnSignals(cancel);
  const terminal = terminalOf(progress, () => process.kill(process.pid, 'SIGINT'));
  const humans = new HumanSteps(run, flags, terminal, stop);
  let result: PlanResult;
  try {
    result = await run;
  } catch (error) {
    signals.stop();
    throw error;
  } finally {
    progress.stop();
  }

  // Nothing was started: a journal that cannot be used is for the user to mend.
  if (isFirst && isOfJournal(result.error)) {
    signals.stop();
    throw result.error;
  }
  const document = flags.json ? `${jsonText(jsonDocument(result))}\n` : report(result);
  await write(process.stdout, document);
  // Only now: a second signal also ends the waiting for whoever reads our output.
  signals.stop();
  if (stoppedFor !== undefined) await write(process.stderr, `stratagem: ${stoppedFor}\n`);
  if (recording !== undefined) await write(process.stderr, recording.ended(run, result));
  return stoppedFor === undefined ? exitCodeOf(result, signals.received) : EXIT.failed;
}

function isSettled({ type }: PlanEvent): boolean {
  return /^task_(completed|failed|canceled|skipped)$/.test(type);
}

function exitCodeOf({ status }: PlanResult, signal: NodeJS.Signals | undefined): number {
  if (status === 'completed') return EXIT.completed;
  if (status === 'failed') return EXIT.failed;
  return signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}
