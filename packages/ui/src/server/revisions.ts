import type { ModelDelta } from '../model/delta.js';
import type { RunModel } from '../model/run-model.js';

interface Mark {
  readonly revision: number;
  readonly events: number;
  readonly steps: number;
}

/** Older changes than this are not kept: who asks for them gets the whole model. */
const KEPT = 2_000;

/** The model of a run, and what has changed since any of its last revisions. */
export class Revisions {
  #model: RunModel | undefined;
  #revision = 0;
  #restarts = 0;
  /** The JSON of each task, and the revision in which it changed last. */
  #tasks: { json: string; revision: number }[] = [];
  #marks: Mark[] = [];
  /** Changes whenever the log starts again, so that old revisions are not taken for new ones. */
  #epoch = Math.random().toString(36).slice(2, 8);

  get model(): RunModel | undefined {
    return this.#model;
  }

  /** Names the revision for the header Last-Event-ID. */
  get id(): string {
    return `${this.#epoch}.${this.#revision}`;
  }

  /** @param restarts How often the log started again: it no longer has the earlier events. */
  update(model: RunModel, restarts: number): void {
    if (restarts !== this.#restarts) this.#restart();
    this.#restarts = restarts;
    this.#model = model;
    this.#revision++;
    for (const [index, task] of model.tasks.entries()) {
      const json = JSON.stringify(task);
      if (this.#tasks[index]?.json === json) continue;
      this.#tasks[index] = { json, revision: this.#revision };
    }
    const marks = { events: model.events.length, steps: model.concurrency.length };
    this.#marks.push({ revision: this.#revision, ...marks });
    if (this.#marks.length > KEPT) this.#marks.splice(0, KEPT / 2);
  }

  #restart(): void {
    this.#epoch = Math.random().toString(36).slice(2, 8);
    this.#tasks = [];
    this.#marks = [];
  }

  /**
   * What changed since a revision, and whether it replaces all that came before.
   *
   * @param id As `id` named it; undefined for nothing yet.
   */
  since(id: string | undefined): { readonly delta: ModelDelta; readonly isWhole: boolean } {
    const model = this.#model as RunModel;
    const [epoch, text] = (id ?? '').split('.');
    const mark =
      epoch === this.#epoch
        ? this.#marks.find(({ revision }) => revision === Number(text))
        : undefined;
    const { tasks, events, concurrency, ...head } = model;
    const since = mark?.revision ?? 0;
    // The last step may have changed; it is sent again.
    const steps = Math.max(0, (mark?.steps ?? 0) - 1);
    const kept = mark?.events ?? 0;
    return {
      isWhole: mark === undefined,
      delta: {
        head,
        tasks: tasks.flatMap((task, index) =>
          (this.#tasks[index]?.revision ?? 0) > since ? [[index, task] as const] : [],
        ),
        events: { keep: kept, lines: events.slice(kept) },
        concurrency: { keep: steps, steps: concurrency.slice(steps) },
      },
    };
  }
}
