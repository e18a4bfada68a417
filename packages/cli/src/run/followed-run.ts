import { type PlanResult, type RunEvent, readRun, resultOf } from '@stratagem/core';
import { controlRun, type RunControl, type RunQueue } from '@stratagem/core/coordinator';
import { shownJournal } from '../options/journal-place.js';
import { COMMAND } from '../output/command-name.js';
import { shellQuote } from '../output/shell-quote.js';
import { write } from '../output/streams.js';
import type { ViewedRun } from './execute-run.js';
import { howToAnswer } from './how-to-answer.js';
import { canAsk } from './terminal.js';

/** How often to look for new events, in milliseconds. A long log takes longer to read: then less often. */
const POLL_MS = 200;
const COST_FACTOR = 5;
/** After this time without a coordinator, say so. */
const UNCLAIMED_MS = 5_000;

const ENDS: readonly RunEvent['type'][] = ['run_completed', 'run_failed', 'run_canceled'];

/** A run that coordinators carry out, seen through its journal: as much of a handle as a view needs. */
export class FollowedRun implements ViewedRun {
  readonly runId: string;
  readonly isAnsweredElsewhere = true;
  readonly #queue: RunQueue;
  readonly #control: RunControl;
  readonly #onEvent: (event: RunEvent) => void;
  readonly #engine: string;
  readonly #events: RunEvent[] = [];
  readonly #result: Promise<PlanResult>;
  #isDetached = false;
  #wake: () => void = () => {};

  constructor(queue: RunQueue, runId: string, onEvent: (event: RunEvent) => void, engine: string) {
    this.runId = runId;
    this.#queue = queue;
    this.#control = controlRun(queue, runId);
    this.#onEvent = onEvent;
    this.#engine = engine;
    this.#result = this.#follow();
  }

  // biome-ignore lint/suspicious/noThenProperty: like a run, it is awaited for its result
  readonly then: ViewedRun['then'] = (onFulfilled, onRejected) =>
    this.#result.then(onFulfilled, onRejected);

  /** Follows no longer. The run continues elsewhere. */
  interrupt(): Promise<PlanResult> {
    this.#isDetached = true;
    this.#wake();
    return this.#result;
  }

  cancel(): void {
    void this.interrupt();
  }

  async answer(taskId: string, answer: unknown): Promise<void> {
    await this.#control.answer(taskId, answer);
  }

  async approve(taskId: string, callId?: string): Promise<void> {
    await this.#control.approve(taskId, callId);
  }

  async reject(taskId: string, reason?: unknown, callId?: string): Promise<void> {
    await this.#control.reject(taskId, reason === undefined ? reason : String(reason), callId);
  }

  async #follow(): Promise<PlanResult> {
    const begun = performance.now();
    let wasSaid = false;
    while (!this.#isDetached) {
      const at = performance.now();
      await this.#read();
      const last = this.#events.at(-1);
      if (last !== undefined && ENDS.includes(last.type)) return this.#resultNow();
      if (last === undefined && !wasSaid && at - begun > UNCLAIMED_MS) {
        wasSaid = true;
        await write(
          process.stderr,
          `No coordinator has taken the run ${this.runId} yet. Start one with: ${COMMAND} coordinator --engine ${shellQuote(shownJournal(this.#engine))}\n`,
        );
      }
      await this.#pause(Math.max(POLL_MS, COST_FACTOR * (performance.now() - at)));
    }
    return { ...this.#resultNow(), status: 'interrupted' } as PlanResult;
  }

  /** The end of a run is the last of its events: then its summary is its result. */
  #resultNow(): PlanResult {
    return resultOf(this.#events) as PlanResult;
  }

  async #read(): Promise<void> {
    const last = this.#events.at(-1)?.sequence ?? -1;
    for await (const event of readRun(this.#queue, this.runId)) {
      if (event.sequence <= last) continue;
      this.#events.push(event);
      this.#onEvent(event);
      const place = ` --engine ${shellQuote(shownJournal(this.#engine))}`;
      const question = canAsk() ? undefined : howToAnswer(event, this.runId, place);
      if (question !== undefined) await write(process.stderr, `${question}\n`);
    }
  }

  async #pause(durationMs: number): Promise<void> {
    if (this.#isDetached) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, durationMs);
    });
    clearTimeout(timer);
  }
}
