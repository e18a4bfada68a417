import { randomUUID } from 'node:crypto';
import type { RunEvent } from '@stratagem/core';
import { EventFeed } from '@stratagem/core/kernel';
import type { RunPage } from './run-page.js';

/** Shows the runs of a goal on a page: the planning, then the run of its plan. */
export class GoalPage {
  readonly #page: RunPage;
  readonly #print: (text: string) => void;
  readonly #cancel: (reason?: unknown) => void;
  #feed: EventFeed | undefined;
  #end: () => void = () => {};

  constructor(page: RunPage, print: (text: string) => void, cancel: (reason?: unknown) => void) {
    this.#page = page;
    this.#print = print;
    this.#cancel = cancel;
  }

  onEvent(event: RunEvent): void {
    if (event.type === 'run_started') this.#start();
    this.#feed?.push(event);
    if (/^run_(completed|failed|canceled)$/.test(event.type)) this.stop();
  }

  #start(): void {
    this.stop();
    const feed = new EventFeed(true);
    const result = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    this.#feed = feed;
    const events = { [Symbol.asyncIterator]: () => feed.read() };
    const run = { runId: randomUUID(), result, cancel: this.#cancel, ...events };
    this.#print(this.#page.attach(run, undefined));
  }

  stop(): void {
    this.#feed?.end();
    this.#end();
  }
}
