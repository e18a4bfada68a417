import { OptionError, StratagemError, show } from '../contract/errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { didYouMean } from '../util/suggest.js';
import { type Acknowledgements, runEnded } from './acknowledgements.js';
import type { Acknowledged, Input } from './input.js';

type ControlInput = Extract<Input, { readonly type: 'cancelTask' | 'skipTask' }>;

type RunChange =
  | { readonly type: 'pause' | 'resume' }
  | { readonly type: 'maxParallel'; readonly maxParallel: number };

/** Changes a run and single tasks, and takes what somebody says about the goal. */
export class TaskControl {
  readonly #kernel: Kernel;
  readonly #acknowledgements: Acknowledgements;
  readonly #take: (input: Input) => void;

  constructor(kernel: Kernel, acknowledgements: Acknowledgements, take: (input: Input) => void) {
    this.#kernel = kernel;
    this.#acknowledgements = acknowledgements;
    this.#take = take;
  }

  /** An input about the whole run, which resolves when it is durable. */
  change(input: RunChange): Promise<void> {
    const changed = this.#acknowledgements.request((acknowledge) => {
      this.#take({ ...input, acknowledge });
    });
    // Few callers wait for it.
    changed.catch(() => {});
    return changed;
  }

  /** An input about the whole run was applied; it has no effect on one that has ended. */
  settle(input: Acknowledged): void {
    this.#acknowledgements.settle(input, this.#kernel.ended ? runEnded() : undefined);
  }

  /** @param hasStarted Whether the run has: until then, a task that has failed may be about to run again. */
  async end(
    type: ControlInput['type'],
    taskId: string,
    reason: unknown,
    hasStarted: boolean,
  ): Promise<void> {
    if (typeof taskId !== 'string') {
      throw new OptionError(`${type}(): the id of a task must be a string; it is ${show(taskId)}`);
    }
    const refusal = this.#refusal(type, taskId);
    if (refusal !== undefined && hasStarted) throw refusal;
    await this.#acknowledgements.request((acknowledge) => {
      this.#take({ type, taskId, reason, acknowledge });
    });
  }

  apply(input: ControlInput, now: number): void {
    const { type, taskId, reason } = input;
    const refusal = this.#refusal(type, taskId);
    if (refusal === undefined) {
      this.#kernel[type](this.#kernel.graph.indexOf(taskId) as number, reason, now);
    }
    this.#acknowledgements.settle(input, refusal);
  }

  async meetCriterion(name: string): Promise<void> {
    const refusal = this.#criterionRefusal(name);
    if (refusal !== undefined) throw refusal;
    await this.#acknowledgements.request((acknowledge) => {
      this.#take({ type: 'meetCriterion', name, acknowledge });
    });
  }

  applyCriterion(input: Extract<Input, { readonly type: 'meetCriterion' }>, now: number): void {
    const refusal = this.#criterionRefusal(input.name);
    // A criterion that is met already stays so.
    if (refusal === undefined) this.#kernel.meetCriterion(input.name, now);
    this.#acknowledgements.settle(input, refusal);
  }

  #criterionRefusal(name: string): StratagemError | undefined {
    const names = this.#kernel.state.goal?.names ?? [];
    if (!names.includes(name)) {
      const list =
        names.length === 0 ? ' The plan has no goalState.' : ` They are ${names.join(', ')}.`;
      const hint = (typeof name === 'string' && didYouMean(name, names)) || list;
      const message = `meetCriterion(): the goal has no criterion ${show(name)}.${hint}`;
      return new OptionError(message);
    }
    if (!this.#kernel.ended) return undefined;
    return new StratagemError('run_ended', 'meetCriterion(): the run has ended');
  }

  #refusal(type: string, taskId: string): StratagemError | undefined {
    const { graph, state, ended } = this.#kernel;
    const index = graph.indexOf(taskId);
    if (index === undefined) {
      const suggestion = didYouMean(taskId, graph.ids());
      return new StratagemError(
        'unknown_task',
        `${type}(): there is no task "${taskId}".${suggestion}`,
      );
    }
    if (state.isSettled(index)) {
      const message = `${type}(): task "${taskId}" has ended: it is ${state.statusOf(index)}`;
      return new StratagemError('task_ended', message);
    }
    return ended ? new StratagemError('run_ended', `${type}(): the run has ended`) : undefined;
  }
}
