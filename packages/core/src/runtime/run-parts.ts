import type { RunObserver, TraceContext } from '../contract/instrumentation.js';
import { WriteAheadLog } from '../journal/write-ahead-log.js';
import { Kernel } from '../kernel/kernel.js';
import type { RecordedRun } from '../kernel/recorded-run.js';
import { Acknowledgements } from './acknowledgements.js';
import { ActiveAttempts } from './active-attempts.js';
import { HumanAnswers } from './answers.js';
import type { AttemptInbox } from './attempt-facts.js';
import type { Input } from './input.js';
import { Interruption } from './interruption.js';
import { ItemFeed } from './item-feed.js';
import { Listeners } from './listeners.js';
import { ProcessCarrier } from './process-carrier.js';
import type { RunSettings } from './settings.js';
import { Borrower } from './shared-places.js';
import { TaskAdditions } from './task-additions.js';
import { TaskControl } from './task-control.js';

/** What a run in this process consists of. */
export interface RunParts {
  readonly kernel: Kernel;
  readonly attempts: ActiveAttempts;
  readonly additions: TaskAdditions;
  readonly items: ItemFeed;
  readonly answers: HumanAnswers;
  readonly control: TaskControl;
  readonly interruption: Interruption;
  readonly acknowledgements: Acknowledgements;
  readonly listeners: Listeners;
  /** In a run with a journal. */
  readonly ahead: WriteAheadLog | undefined;
  /** The carrier, where attempts run in this process. */
  readonly own: ProcessCarrier | undefined;
  /** In a run that shares places with others. */
  readonly borrower: Borrower | undefined;
}

/** Makes the parts of a run, and connects them to its inbox. */
export function createParts(
  settings: RunSettings,
  run: AttemptInbox & { readonly isOver: boolean },
  past: RecordedRun | undefined,
): RunParts {
  const { runId, runners, places, record, codecs, attachments, plan } = settings;
  const take = (input: Input) => run.take(input, true);
  const observer = observerOf(settings, past);
  const borrower = places && new Borrower(places, () => take({ type: 'turn' }));
  const kernel = new Kernel({
    ...settings,
    trace: observer?.trace,
    loan: borrower?.loan(false),
    beginsLater: settings.carrier?.beginsLater,
    onSettled: record === undefined ? () => listeners.publish() : undefined,
    resourceOf: runners.resourceOf,
    usualResource: runners.usualResource,
    serverOf: runners.serverOf,
    isLeft: () => run.isOver,
    forgetsItems: true,
  });
  const listeners = new Listeners(kernel.log, settings, observer);
  const ahead =
    record &&
    new WriteAheadLog(
      { ...record, runId, codecs, attachments, goalState: plan.goalState },
      kernel.state,
    );
  const own =
    settings.carrier === undefined
      ? new ProcessCarrier(runners, settings.toolbox, settings.instrumentation)
      : undefined;
  const acknowledgements = new Acknowledgements(record !== undefined);
  return {
    kernel,
    attempts: new ActiveAttempts(settings, kernel, own, run, observer),
    additions: new TaskAdditions(settings, kernel, take),
    items: new ItemFeed(settings, kernel, take),
    answers: new HumanAnswers(kernel, ahead, acknowledgements, take, settings),
    control: new TaskControl(kernel, acknowledgements, take),
    interruption: new Interruption(runId, record !== undefined),
    acknowledgements,
    listeners,
    ahead,
    own,
    borrower,
  };
}

/** Lets the instrumentation of a run know that it begins here. */
function observerOf(
  { instrumentation, runId, plan, strategy }: RunSettings,
  past: RecordedRun | undefined,
): RunObserver | undefined {
  return instrumentation?.beginRun({
    ...{ runId, plan, strategy: strategy.name },
    trace: past?.log[0]?.trace as TraceContext | undefined,
    isResumed: past !== undefined,
  });
}
