import { isStratagemError } from '@stratagem/core';
import { controlRun, type Delivery, type RunControl } from '@stratagem/core/coordinator';
import { findRun } from '../load/find-run.js';
import { isJournalError } from '../load/open-journal.js';
import { withQueue } from '../load/open-queue.js';
import type { PresetAnswers } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { EXIT } from '../output/exit-code.js';
import { write } from '../output/streams.js';
import { contradictions } from '../run/preset-answers.js';
import { answerAsTyped } from '../run/typed-answer.js';
import type { JournalFlags } from '../settings/apply-settings.js';

/** Something to ask of a run, and what to say when it is done. */
interface Wish {
  readonly done: string;
  ask(run: RunControl): Promise<Delivery>;
}

export interface CancelFlags extends JournalFlags {
  readonly task?: readonly string[];
}

/** `stratagem cancel RUN`: cancels a run of the coordinators, or some of its tasks. */
export function cancelCommand(run: string, { journal, task }: CancelFlags): Promise<number> {
  const reason = 'canceled on the command line';
  const wishes = task?.map((taskId) => ({
    done: `task "${taskId}" is canceled`,
    ask: (control: RunControl) => control.cancelTask(taskId, reason),
  }));
  const whole = { done: 'it is canceled', ask: (control: RunControl) => control.cancel(reason) };
  return controlCommand(run, journal, wishes ?? [whole]);
}

/** `stratagem pause RUN` and `stratagem unpause RUN` */
export function pauseCommand(
  run: string,
  { journal }: JournalFlags,
  isPaused: boolean,
): Promise<number> {
  const wish: Wish = isPaused
    ? { done: 'it is paused: no task starts', ask: (control) => control.pause() }
    : { done: 'its tasks start again', ask: (control) => control.resume() };
  return controlCommand(run, journal, [wish]);
}

export interface AnswerFlags extends JournalFlags, PresetAnswers {}

/** `stratagem answer RUN`: answers questions of a run of the coordinators. */
export function answerCommand(run: string, flags: AnswerFlags): Promise<number> {
  const { approve = [], reject = [], answer = [] } = flags;
  const [problem] = contradictions(flags);
  if (problem !== undefined) throw new UsageError(problem);
  const wishes: Wish[] = [
    ...approve.map((id) => ({
      done: `task "${id}" is approved`,
      ask: (control: RunControl) => control.approve(id),
    })),
    ...reject.map((id) => ({
      done: `task "${id}" is rejected`,
      ask: (control: RunControl) => control.reject(id, 'on the command line'),
    })),
    ...answer.map(({ id, value }) => ({
      done: `task "${id}" is answered`,
      ask: (control: RunControl) => answerAsTyped((given) => control.answer(id, given), value),
    })),
  ];
  if (wishes.length === 0) {
    throw new UsageError('which answer? Use --approve ID, --reject ID or --answer ID=VALUE');
  }
  return controlCommand(run, flags.journal, wishes);
}

/** Asks a run for everything, in this order. */
function controlCommand(
  idOrPrefix: string,
  journal: string,
  wishes: readonly Wish[],
): Promise<number> {
  return withQueue(journal, async (queue) => {
    const { id } = await findRun(queue, idOrPrefix);
    const control = controlRun(queue, id);
    for (const { done, ask } of wishes) {
      const delivery = await asUsageError(ask(control));
      const text =
        delivery === 'done'
          ? `${id}: ${done}`
          : `${id}: no coordinator has replied. What you asked for is stored: a coordinator that carries the run out does it, unless the run refuses it then`;
      await write(process.stderr, `${text}\n`);
    }
    return EXIT.completed;
  });
}

/** A refusal of the run is one that the user can act on. */
async function asUsageError<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (isJournalError(error) || !isStratagemError(error)) throw error;
    throw new UsageError((error as Error).message, { cause: error });
  }
}
