import type { ValueCodec } from '../contract/codec.js';
import type { RunEvent } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { decodeRecorded } from '../kernel/decode-log.js';
import { planFromData } from '../serialize/decode-plan.js';
import type { PlanData } from '../serialize/plan.js';
import { FanOut } from '../state/fan-out.js';
import { type Inputs, inputsOf } from '../state/inputs.js';
import { RunState } from '../state/run-state.js';

const NO_ADDED_TASKS: ReadonlyMap<string, Task> = new Map();

/**
 * Decodes a recorded run from its log alone and folds its state. The functions and schemas of its
 * tasks are placeholders that do nothing.
 */
export class LogReader {
  readonly #fanOut: FanOut;
  readonly #codecs: readonly ValueCodec[] | undefined;
  readonly #accounts: 'all' | undefined;
  #plan: Plan | undefined;
  #state: RunState | undefined;

  /** @param accounts Whether the state accounts for each resource by itself. */
  constructor(codecs?: readonly ValueCodec[], accounts?: 'all') {
    this.#codecs = codecs;
    this.#accounts = accounts;
    this.#fanOut = new FanOut(codecs);
  }

  /** The state after the events read so far; undefined before the first event. */
  get state(): RunState | undefined {
    return this.#state;
  }

  /** The inputs of a task, after the events read so far. */
  inputsOf(index: number): Inputs {
    return inputsOf(index, this.#state as RunState, this.#fanOut);
  }

  read(data: EventData): RunEvent {
    // A changed plan that was accepted starts the run again.
    if (data.type === 'run_started') this.#begin(planFromData(data.plan as PlanData));
    if (this.#state === undefined) throw new TypeError('a log begins with run_started');
    const plan = () => this.#plan as Plan;
    const context = {
      state: this.#state,
      fanOut: this.#fanOut,
      plan,
      added: NO_ADDED_TASKS,
      codecs: this.#codecs,
    };
    const { event, index } = decodeRecorded(data, context);
    this.#state.apply(event, index);
    return event;
  }

  #begin(plan: Plan): void {
    this.#plan = plan;
    this.#state = new RunState(new Graph(plan.tasks), { accounts: this.#accounts });
  }
}
