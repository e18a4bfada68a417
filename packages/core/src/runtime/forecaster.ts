import type { ValueCodec } from '../contract/codec.js';
import { streamOf } from '../contract/for-each.js';
import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import type { Task } from '../contract/task.js';
import { parseTemplate } from '../contract/template.js';
import { canonical } from '../serialize/canonical.js';
import type { PlanData } from '../serialize/plan.js';
import type { TaskChange } from '../serialize/plan-changed-error.js';
import { toDataLoosely } from '../serialize/value.js';
import { hasPlanInputsAt, type Inputs } from '../state/inputs.js';
import type { RunState } from '../state/run-state.js';

/** Why a task would run, or would not. */
export type ForecastReason =
  /** Its output is taken from an earlier run. */
  | 'reused'
  /** Its runner has the answer to its request, as in a cache. */
  | 'cached'
  /** All its subtasks or elements have outputs, which make up its own. */
  | 'complete'
  /** Its condition does not hold. */
  | 'condition_false'
  /** The compared run had no such task, or there is no run to compare with. */
  | 'new'
  /** The task has changed; `fields` lists the changed fields. */
  | 'changed'
  /** Some inputs have changed, or are unknown until they have run; `inputs` lists them. */
  | 'input_changed'
  /** The model or the settings of the runner have changed, or its output is too old. */
  | 'runner_changed'
  /** It was not completed in the compared run. */
  | 'not_completed'
  /** Functions and tasks with tools always run, because their effects are unknown. */
  | 'function'
  /** Its items are read while it runs: which of them are reused is known then. */
  | 'streamed'
  /** It asks a human. */
  | 'asks'
  /** It fails: a list, a condition or a prompt is invalid. */
  | 'fails';

/** What a run would do with one task. */
export interface TaskForecast {
  readonly taskId: string;
  /** Whether the task would run, instead of being reused or skipped. */
  readonly runs: boolean;
  readonly reason: ForecastReason;
  /** The reason in words: `changed: description`. */
  readonly message: string;
  /** 0 for a task without dependencies, else one more than the highest level among them. */
  readonly level: number;
  /** The group or the fan-out that it belongs to. */
  readonly parentId?: string | undefined;
  /** What does its work: the runner and the model, a tool, or a function; left out where nothing does. */
  readonly resource?: string | undefined;
  /** Set for a fan-out whose items are not known yet: each of them will be one more task. */
  readonly itemsUnknown?: true | undefined;
  /** The run that its output is reused from. */
  readonly runId?: string | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly inputs?: readonly string[] | undefined;
}

/** The run to compare the plan with. */
export interface Baseline {
  readonly planData: PlanData;
  readonly state: RunState;
  readonly inputsOf: InputsOf;
}

/** What the state of the kernel says about a task. */
type Prediction = Omit<TaskForecast, 'level' | 'parentId' | 'resource' | 'itemsUnknown'>;

/** Explains each task, once the kernel has gone as far as it can. */
export class Forecaster {
  readonly #state: RunState;
  readonly #before: Baseline | undefined;
  readonly #changes: ReadonlyMap<string, TaskChange>;
  /** The run that an output is reused from; undefined for one that the runner has itself. */
  readonly #reused: ReadonlyMap<number, string | undefined>;
  readonly #codecs: readonly ValueCodec[] | undefined;
  /** For tasks that others depend on: comparing an output takes as long as writing it. */
  readonly #unchanged = new Map<number, boolean>();
  readonly #inputsOf: InputsOf;

  constructor(
    state: RunState,
    inputsOf: InputsOf,
    before: Baseline | undefined,
    changes: ReadonlyMap<string, TaskChange>,
    reused: ReadonlyMap<number, string | undefined>,
    codecs: readonly ValueCodec[] | undefined,
  ) {
    this.#state = state;
    this.#inputsOf = inputsOf;
    this.#before = before;
    this.#changes = changes;
    this.#reused = reused;
    this.#codecs = codecs;
  }

  forecast(index: number): Prediction {
    const state = this.#state;
    const task = state.graph.tasks[index] as Task;
    const { id: taskId } = task;
    const runId = this.#reused.get(index);
    if (runId !== undefined) {
      return { taskId, runs: false, reason: 'reused', message: `reused from run ${runId}`, runId };
    }
    if (this.#reused.has(index)) {
      return { taskId, runs: false, reason: 'cached', message: 'its answer is in the cache' };
    }
    const forecast = (runs: boolean, reason: ForecastReason, message: string) =>
      ({ taskId, runs, reason, message }) as const;
    switch (state.statusOf(index)) {
      case 'completed':
        return forecast(false, 'complete', 'complete with its subtasks');
      case 'skipped':
        return state.reasonOf(index) === 'condition_false'
          ? forecast(false, 'condition_false', 'its condition does not hold')
          : forecast(false, 'fails', `a dependency fails: ${state.failedTaskIdOf(index)}`);
      case 'failed':
        return forecast(false, 'fails', state.errorOf(index)?.message ?? '');
    }
    const reason = this.#reasonToRun(index, task);
    const streamed = streamText(task);
    const isSaid = streamed === undefined || reason.reason === 'streamed';
    const message = isSaid ? reason.message : `${reason.message}; ${streamed}`;
    return { taskId, runs: true, ...reason, message };
  }

  #reasonToRun(index: number, task: Task): Omit<Prediction, 'taskId' | 'runs'> {
    const change = this.#changes.get(task.id);
    const before = this.#before?.state.graph.indexOf(task.id);
    if (before === undefined || change?.kind === 'added') return { reason: 'new', message: 'new' };
    if (change !== undefined) {
      const { fields } = change;
      return { reason: 'changed', message: `changed: ${fields.join(', ')}`, fields };
    }
    const inputs = this.#changedInputs(index);
    if (inputs.length > 0) {
      const message = `input of ${inputs.join(', ')} changed`;
      return { reason: 'input_changed', message, inputs };
    }
    const streamed = streamText(task);
    if (streamed !== undefined) return { reason: 'streamed', message: streamed };
    if (task.waitFor !== undefined) return { reason: 'asks', message: 'asks a human' };
    if (isUnpredictable(task)) {
      return {
        reason: 'function',
        message: 'the effects of functions, tools and commands are unknown',
      };
    }
    if (this.#before?.state.statusOf(before) !== 'completed') {
      return { reason: 'not_completed', message: 'not completed before' };
    }
    const message =
      "its runner's model or settings changed, or an attached file, or its output is too old";
    return { reason: 'runner_changed', message };
  }

  /** The ids of inputs that are unknown or have changed. */
  #changedInputs(index: number): string[] {
    const state = this.#state;
    const { graph } = state;
    const ids: string[] = [];
    const visit = (input: number) => {
      if (state.reasonOf(input) === 'condition_false') return;
      if (state.statusOf(input) === 'completed' && this.#isUnchanged(input)) return;
      ids.push((graph.tasks[input] as Task).id);
    };
    graph.eachDependency(index, visit);
    graph.eachChild(index, visit);
    return [...ids, ...this.#changedPlanInputs(index)];
  }

  /** The inputs of its plan in the prompt or the arguments of a task that have changed, or are unknown. */
  #changedPlanInputs(index: number): string[] {
    const { id, description = '', args } = this.#state.graph.tasks[index] as Task;
    if (!hasPlanInputsAt(index, this.#state)) return [];
    const inputs = planInputsAt(index, this.#inputsOf);
    const other = this.#before?.state.graph.indexOf(id);
    const before =
      this.#before && other !== undefined ? planInputsAt(other, this.#before.inputsOf) : undefined;
    const textOf = (value: unknown) => canonical(toDataLoosely(value, this.#codecs));
    const isInput = (name: string) => name === PLAN_INPUTS;
    const texts = [description, ...textsIn(args)];
    const parts = texts.flatMap((text) => parseTemplate(text, isInput));
    const changed = parts.flatMap((part) => {
      const name = typeof part === 'string' ? undefined : part.path[0];
      if (typeof name !== 'string') return [];
      if (inputs && before && textOf(inputs[name]) === textOf(before[name])) return [];
      return `${PLAN_INPUTS}.${name}`;
    });
    return [...new Set(changed)];
  }

  #isUnchanged(index: number): boolean {
    const known = this.#unchanged.get(index);
    if (known !== undefined) return known;
    const isUnchanged = this.#hasSameOutput(index);
    this.#unchanged.set(index, isUnchanged);
    return isUnchanged;
  }

  #hasSameOutput(index: number): boolean {
    const before = this.#before?.state;
    const { id } = this.#state.graph.tasks[index] as Task;
    const other = before?.graph.indexOf(id);
    if (before === undefined || other === undefined) return false;
    const textOf = (output: unknown) => canonical(toDataLoosely(output, this.#codecs));
    return textOf(before.outputOf(other)) === textOf(this.#state.outputOf(index));
  }
}

/** Where the items of a fan-out come from, if they are not known before. */
function streamText(task: Task): string | undefined {
  const stream = streamOf(task);
  return stream && `its items are streamed from ${stream.name}`;
}

/** The texts of a value. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** The inputs of a task, by its index. */
export type InputsOf = (index: number) => Inputs;

/** The inputs of the plan that a task is written in; undefined where they are not known. */
function planInputsAt(index: number, inputsOf: InputsOf): Inputs | undefined {
  try {
    return inputsOf(index)[PLAN_INPUTS] as Inputs | undefined;
  } catch {
    return undefined; // A module whose inputs need outputs that are not there.
  }
}

/** Whether a task runs code, so that nothing determines its output. */
export function isUnpredictable({ run, command, tools = [] }: Task): boolean {
  return run !== undefined || command !== undefined || tools.length > 0;
}
