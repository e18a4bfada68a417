import { readAnswer } from './answer.js';
import { Attempt } from './attempt.js';
import type { PlanEvent } from './event.js';
import { EventStream } from './event-stream.js';
import type { Graph } from './graph.js';
import { Kernel } from './kernel.js';
import { MetricsFold } from './metrics.js';
import type { Plan } from './plan.js';
import { composePrompt } from './prompt.js';
import { createResult, type PlanResult } from './result.js';
import type { TaskOutput, TaskRunner } from './runner.js';
import type { Strategy } from './strategy.js';
import type { Task } from './task.js';
import { isThenable } from './thenable.js';

/** Everything one run needs, with every default filled in. */
export interface RunSettings {
  readonly plan: Plan;
  readonly graph: Graph;
  readonly strategy: Strategy;
  readonly runner: TaskRunner | undefined;
  readonly maxParallel: number;
  readonly failFast: boolean;
  readonly timeoutMs: number;
  readonly timeline: 'keep' | 'stream';
  readonly signal: AbortSignal | undefined;
  readonly onEvent: ((event: PlanEvent) => void) | undefined;
}

/** How long the run may keep the event loop to itself before timers and signals get a turn. */
const TURN_MS = 50;
/** The longest delay a timer takes; past it we wake up early and wait again. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_LISTENER_ERRORS = 100;
const NO_INPUTS: Readonly<Record<string, unknown>> = Object.freeze(Object.create(null));

type Input =
  | { readonly type: 'start' | 'wake' }
  | { readonly type: 'cancel'; readonly reason: unknown }
  | { readonly type: 'completed'; readonly attempt: Attempt; readonly result: TaskOutput }
  | { readonly type: 'failed'; readonly attempt: Attempt; readonly thrown: unknown }
  | { readonly type: 'output'; readonly attempt: Attempt; readonly text: string };

/**
 * Drives a kernel in this process: gives it the time and what came of each attempt, starts and
 * aborts attempts for it, and hands its events to those who listen. Inputs are queued and taken
 * one by one, so that a runner or listener that calls back in the middle of a step does no harm.
 */
export class Run<Outputs> {
  readonly events: EventStream;
  /** Never rejects: how the run ended is in the result. */
  readonly result: Promise<PlanResult<Outputs>>;

  readonly #settings: RunSettings;
  readonly #kernel: Kernel;
  readonly #metrics: MetricsFold;
  readonly #active = new Map<number, Attempt>();
  readonly #listenerErrors: unknown[] = [];
  readonly #onAbort = () => this.cancel(this.#settings.signal?.reason);
  readonly #report = (attempt: Attempt, text: string) => this.#onOutput(attempt, text);
  #resolve!: (result: PlanResult<Outputs>) => void;
  #inbox: Input[] = [];
  #working = false;
  /** Set at once, so that what was about to start is left alone until the kernel hears of it. */
  #canceling = false;
  #turnBegan = 0;
  #deadline: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** The run begins after the caller's own turn, so that it can listen and cancel first. */
  constructor(settings: RunSettings) {
    const { runner, signal } = settings;
    this.#settings = settings;
    this.events = new EventStream(settings.timeline === 'keep');
    this.#metrics = new MetricsFold(settings.graph);
    const resource = runner?.resource ?? runner?.name ?? 'function';
    const resourceOf = (task: Task) => (task.run === undefined ? resource : 'function');
    this.#kernel = new Kernel({ ...settings, resourceOf }, (event, index) => {
      this.#deliver(event, index);
    });
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (signal?.aborted) this.#inbox.push({ type: 'cancel', reason: signal.reason });
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#working = true;
    queueMicrotask(() => {
      this.#turnBegan = now();
      this.#inbox.push({ type: 'start' });
      this.#work();
    });
  }

  cancel(reason?: unknown): void {
    this.#canceling = true;
    this.#take({ type: 'cancel', reason });
  }

  #take(input: Input): void {
    this.#inbox.push(input);
    if (this.#working) return;
    this.#working = true;
    this.#work();
  }

  /** Takes inputs until there are none, with a pause for the event loop when that takes long. */
  #work(): void {
    while (this.#inbox.length > 0) {
      const inputs = this.#inbox;
      this.#inbox = [];
      for (let position = 0; position < inputs.length; position++) {
        const time = now();
        if (time - this.#turnBegan > TURN_MS) {
          this.#inbox = inputs.slice(position).concat(this.#inbox);
          this.#pause();
          return;
        }
        this.#step(inputs[position] as Input, time);
      }
    }
    this.#working = false;
    this.#setTimer();
  }

  #pause(): void {
    afterOtherWork(() => {
      this.#turnBegan = now();
      this.#work();
    });
  }

  #step(input: Input, time: number): void {
    const kernel = this.#kernel;
    if (kernel.ended) return;
    switch (input.type) {
      case 'completed':
        if (this.#active.delete(input.attempt.index)) {
          kernel.completed(input.attempt.index, input.result, time);
        }
        break;
      case 'failed':
        if (this.#active.delete(input.attempt.index)) {
          kernel.failed(input.attempt.index, input.thrown, time);
        }
        break;
      case 'output':
        if (this.#active.get(input.attempt.index) === input.attempt) {
          kernel.output(input.attempt.index, input.text, time);
        }
        break;
      case 'start': {
        const { timeoutMs } = this.#settings;
        if (Number.isFinite(timeoutMs)) this.#deadline = time + timeoutMs;
        kernel.start(time);
        break;
      }
      case 'wake':
        kernel.wake(time);
        break;
      case 'cancel':
        kernel.cancel(input.reason, time);
        break;
    }
    this.#obey();
    if (kernel.ended) this.#finish();
  }

  /** Carries out what the kernel commands. */
  #obey(): void {
    const { commands } = this.#kernel;
    for (let position = 0; position < commands.length; position++) {
      const command = commands[position] as (typeof commands)[number];
      if (command.type === 'abort') this.#abort(command.index, command.error);
      else if (!this.#canceling) this.#launch(command.index, command.attempt);
    }
    commands.length = 0;
  }

  #launch(index: number, number: number): void {
    const task = this.#settings.graph.tasks[index] as Task;
    const attempt = new Attempt(index, task.id, number, this.#deadline, this.#report);
    this.#active.set(index, attempt);
    try {
      const inputs = this.#inputsOf(index);
      if (task.run === undefined) {
        this.#ask(task, inputs, attempt).then(
          (result) => this.#onEnd(attempt, { type: 'completed', attempt, result }),
          (thrown) => this.#onEnd(attempt, { type: 'failed', attempt, thrown }),
        );
        return;
      }
      const value = task.run(inputs, attempt);
      if (isThenable(value)) {
        Promise.resolve(value).then(
          (output) => this.#onEnd(attempt, { type: 'completed', attempt, result: { output } }),
          (thrown) => this.#onEnd(attempt, { type: 'failed', attempt, thrown }),
        );
      } else this.#onEnd(attempt, { type: 'completed', attempt, result: { output: value } });
    } catch (thrown) {
      this.#onEnd(attempt, { type: 'failed', attempt, thrown });
    }
  }

  /** One request to the runner, with an answer that is a `TaskOutput` or an error that says so. */
  async #ask(
    task: Task,
    inputs: Readonly<Record<string, unknown>>,
    attempt: Attempt,
  ): Promise<TaskOutput> {
    const { id, description = '', type = 'action', dependencies, metadata = {} } = task;
    const runner = this.#settings.runner as TaskRunner;
    const prompt = composePrompt(description, inputs, dependencies);
    const request = { taskId: id, type, prompt, description, inputs, metadata };
    return readAnswer(runner.name, await runner.run(request, attempt));
  }

  #inputsOf(index: number): Readonly<Record<string, unknown>> {
    const { graph } = this.#settings;
    if (graph.dependencyCount(index) === 0) return NO_INPUTS;
    // Without a prototype, so that "__proto__" and "constructor" are ids like any other.
    const inputs = Object.create(null) as Record<string, unknown>;
    graph.eachDependency(index, (dependency) => {
      const { id } = graph.tasks[dependency] as Task;
      inputs[id] = this.#kernel.state.outputOf(dependency);
    });
    return inputs;
  }

  #onEnd(attempt: Attempt, input: Input): void {
    if (attempt.over) return;
    attempt.over = true;
    this.#take(input);
  }

  #onOutput(attempt: Attempt, text: string): void {
    if (!attempt.over) this.#take({ type: 'output', attempt, text });
  }

  #abort(index: number, reason: unknown): void {
    const attempt = this.#active.get(index);
    this.#active.delete(index);
    attempt?.abort(reason);
  }

  #deliver(event: PlanEvent, index: number): void {
    this.#metrics.apply(event, index);
    this.events.push(event);
    const { onEvent } = this.#settings;
    if (onEvent === undefined) return;
    try {
      const returned: unknown = onEvent(event);
      if (isThenable(returned)) {
        Promise.resolve(returned).catch((error) => this.#listenerThrew(error));
      }
    } catch (error) {
      this.#listenerThrew(error);
    }
  }

  #listenerThrew(error: unknown): void {
    if (this.#listenerErrors.length < MAX_LISTENER_ERRORS) this.#listenerErrors.push(error);
  }

  #finish(): void {
    const { plan, strategy, signal } = this.#settings;
    clearTimeout(this.#timer);
    signal?.removeEventListener('abort', this.#onAbort);
    this.events.end();
    this.#resolve(
      createResult({
        goal: plan.goal,
        strategy: strategy.name,
        state: this.#kernel.state,
        metrics: this.#metrics.metrics(),
        timeline: this.events.kept,
        listenerErrors: this.#listenerErrors,
      }),
    );
  }

  #setTimer(): void {
    const at = this.#kernel.nextWake;
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(0, Math.ceil(at - now())), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#take({ type: 'wake' });
    }, delay);
  }
}

/** Unix time in milliseconds that never goes backwards. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function afterOtherWork(resume: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(resume);
  else setTimeout(resume, 0);
}
