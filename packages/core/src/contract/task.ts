import type { Attachment, RequestAttachment } from './attachment.js';
import type { TaskOptions } from './call-options.js';
import type { Condition } from './condition.js';
import type { ForEach } from './for-each.js';
import type { OutputPart } from './output-part.js';
import type { Repeat } from './repeat.js';
import type { RetryPolicy } from './retry.js';
import type { RunAfter, TaskFailure } from './run-after.js';
import type { AnySchema, StandardSchema } from './schema.js';
import type { Command, StepArgs } from './step.js';
import type { Surround } from './surround.js';
import type { WaitFor } from './wait-for.js';

/** The purpose of a task: a label for strategies and reports; `action` by default. */
export type TaskType = 'action' | 'decision' | 'observation' | 'aggregate';

export const TASK_TYPES: readonly TaskType[] = ['action', 'decision', 'observation', 'aggregate'];

/** Expected duration, tokens and cost of one attempt, for the order of tasks and for budgets. */
export interface Estimate {
  /** Expected duration in milliseconds. */
  readonly durationMs?: number | undefined;
  /** Expected tokens, read and written together. */
  readonly tokens?: number | undefined;
  /** Expected cost in US dollars. */
  readonly costUsd?: number | undefined;
}

/**
 * The function of a task. It receives the outputs of the task's dependencies by id, and returns the
 * task's output, directly or as a promise.
 */
export type TaskFunction<Inputs = Readonly<Record<string, unknown>>, Output = unknown> = (
  inputs: Inputs,
  context: RunContext,
) => Output | PromiseLike<Output>;

/** The fields of a task whose types depend on no other task. */
export interface TaskSettings extends TaskOptions {
  /**
   * Tools that the model may call for this task, or their names in the options of the executor.
   */
  readonly tools?: readonly (Tool | string)[] | undefined;
  /**
   * Writes the output to this file, relative to the output folder of the executor's `files`: text as it
   * is, other values as JSON. Has references like a prompt. The task is complete once the file is
   * written; in a fan-out, each item needs a path of its own, such as `{{index}}.md`.
   */
  readonly save?: string | undefined;
  /**
   * Images, documents and other files for the model: paths, `http(s)` addresses, bytes, or references to
   * them, such as `{{item.path}}`. A function finds them in `context.attachments`. Each attempt reads its
   * files when it starts; a resumed run takes the copies in its journal.
   */
  readonly attachments?: readonly (string | Attachment)[] | undefined;
  /** How failed attempts are repeated. */
  readonly retry?: RetryPolicy | undefined;
  /** Timeout of one attempt in milliseconds; the attempt is aborted and fails then. */
  readonly timeoutMs?: number | undefined;
  /**
   * How long an attempt may go without text and without a step or call of a tool, in milliseconds; it is
   * aborted and fails as `timeout` then. A long answer that is still coming is left alone, up to
   * `timeoutMs`. For runners that stream: others report nothing before they have answered.
   */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * Among equally urgent tasks, the one with the higher number starts first.
   * @default 0
   */
  readonly priority?: number | undefined;
  /** What an attempt is expected to take. Strategies start the longest path first by it. */
  readonly estimate?: Estimate | undefined;
  /** Your own data; passed to the runner, never interpreted. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * One node of a plan: a prompt for a model, a function, a call of a tool, a command, a question to a human,
 * or a group.
 */
export interface Task extends TaskSettings {
  /** Unique within the plan; any non-empty string without control characters. */
  readonly id: string;
  /**
   * The prompt. `{{research}}` and `{{research.companies[0].name}}` are replaced with the output of a
   * dependency or a part of it. Without any such reference, the outputs of all dependencies are
   * appended. `\{{` is a literal `{{`.
   */
  readonly description?: string | undefined;
  /**
   * Makes the prompt in code, from the outputs of the dependencies; nothing is appended to it. The
   * failures are those of `RunContext.failures`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  readonly prompt?: ((inputs: any, failures: readonly TaskFailure[]) => string) | undefined;
  /**
   * What kind of step it is, for readers and reports. Durations are learned for each type.
   * @default 'action'
   */
  readonly type?: TaskType | undefined;
  /**
   * Ids of the tasks that must complete first, or that must end first with another `runAfter`; this one
   * gets their outputs.
   */
  readonly dependencies?: readonly string[] | undefined;
  /**
   * How the dependencies must have ended for this task to run: see {@link RunAfter}. A clean-up task is
   * `settled`, a task for the case that something fails is `failure`.
   * @default 'success'
   */
  readonly runAfter?: RunAfter | undefined;
  /**
   * The schema of the output: of any Standard Schema library (zod, valibot, arktype, …), or plain JSON
   * Schema. An attempt whose output does not match fails with `invalid_output`.
   *
   * A model gets it as JSON Schema. A schema that its library cannot write as JSON Schema is a problem
   * of the plan, unless the task has a `run` function or waits for a human.
   */
  readonly outputSchema?: AnySchema | undefined;
  /**
   * Calls this tool, without a model: a tool, or its name in the options of the executor. The output of
   * the task is the value that the tool returns; an error that it throws fails the attempt.
   */
  readonly tool?: Tool | string | undefined;
  /**
   * The input of the `tool`.
   * @default an empty object
   */
  readonly args?: StepArgs | undefined;
  /**
   * Runs this program, without a model and without a shell; its standard output is the output. Only where
   * the executor has `commands`, and never in tasks that are added while a plan runs.
   */
  readonly command?: Command | undefined;
  /**
   * Runs this task only if the condition holds for the outputs of its dependencies; otherwise the task
   * is skipped as "not chosen". Its dependents still run, unless none of their dependencies was chosen.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  readonly when?: Condition | ((inputs: any) => boolean) | undefined;
  /**
   * Runs this task once for each item of a list, with an id of its own (`id[0]`, `id[1]`, …) and the
   * input `item`. The output is the list of their results, in the order of the items.
   */
  readonly forEach?: ForEach | undefined;
  /**
   * Runs this task again, with all of its subtasks, until a condition holds. The iterations are tasks
   * with ids of their own (`id#1`, `id#2`, …). They have the input `previous`, which is the output of the
   * iteration before (none in the first one), and `iteration`, which is 1, 2, …. The output is that of the
   * last iteration. Dependents also get `id#ending` (`reached` or `exhausted`) and `id#iterations`.
   */
  readonly repeat?: Repeat | undefined;
  /**
   * Tasks that belong to this one. They start when its dependencies are done, in the order of their
   * own dependencies, and it is complete when they are. Its output is the record of their outputs by
   * id. With a `run` function, or as an `aggregate` with a prompt, it then runs itself, on that record.
   */
  readonly subtasks?: readonly Task[] | undefined;
  /**
   * Makes this a module: a group with the tasks of another plan, which have ids such as `review/check`.
   * They see the inputs of that plan, and nothing else of this one. The output is the record of that
   * plan's `outputs`; without any, the outputs of its final tasks by id.
   */
  readonly plan?: ModulePlan | undefined;
  /**
   * The values for the inputs of `plan`. A text may have `{{references}}`; one that is a reference alone,
   * such as `'{{write}}'`, gives the value itself. In code, also a function of the outputs of the dependencies.
   */
  readonly with?: ModuleValues | undefined;
  /**
   * Makes this a human step: the description is the question, and the output is the answer, which is
   * given through the run's handle.
   */
  readonly waitFor?: WaitFor | undefined;
  /** Makes this a function task, which needs no runner. Not part of a plan's JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  readonly run?: ((inputs: any, context: RunContext) => unknown) | undefined;
}

/** A plan as a task of another plan; `createPlan` makes one. */
export interface ModulePlan {
  readonly goal: string;
  readonly tasks: readonly Task[];
  readonly inputs?: StandardSchema | undefined;
  readonly outputs?: Readonly<Record<string, string>> | readonly string[] | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly timeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The values for the inputs of a module: by name, or a function that returns them. */
export type ModuleValues =
  | Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  | ((inputs: any) => Readonly<Record<string, unknown>>);

/** Whether a task has subtasks, or those of a module; an empty list does not count. */
export function hasSubtasks({ subtasks, plan }: Task): boolean {
  return plan !== undefined || (subtasks !== undefined && subtasks.length > 0);
}

/** Whether the attempts at a task go to a model, and not to a function, a tool or a command. */
export function asksModel({ run, tool, command }: Task): boolean {
  return run === undefined && tool === undefined && command === undefined;
}

/** What attempts without a model compete for; undefined for a task that asks a model. */
export function localResourceOf({ run, tool, command }: Task): string | undefined {
  if (run !== undefined) return 'function';
  if (tool !== undefined) return `tool:${typeof tool === 'string' ? tool : tool.name}`;
  return command === undefined ? undefined : 'command';
}

/** Whether the subtasks of a task are a template: a fan-out or a loop makes its children while it runs. */
export function isTemplate({ forEach, repeat }: Pick<Task, 'forEach' | 'repeat'>): boolean {
  return forEach !== undefined || repeat !== undefined;
}

/** Whether a task does work of its own, besides its subtasks. */
export function doesOwnWork(task: Task): boolean {
  if (task.plan !== undefined) return false;
  if (!hasSubtasks(task) || !asksModel(task)) return true;
  const { type, description, prompt } = task;
  return type === 'aggregate' && (description !== undefined || prompt !== undefined);
}

/** Whether attempts at a task go to the runner. */
export function needsRunner(task: Task): boolean {
  return asksModel(task) && task.waitFor === undefined && doesOwnWork(task);
}

/** The estimate of an attempt. Without a model, it uses no tokens unless the estimate says so. */
export function estimateOf(task: Task): Estimate | undefined {
  const { estimate } = task;
  return asksModel(task) ? estimate : { tokens: 0, costUsd: 0, ...estimate };
}

/**
 * The context of an attempt. Its properties are computed when they are first read, so pass the object
 * itself on; a spread copy loses them. To change some of them, see {@link deriveContext}.
 */
export interface RunContext {
  /** The run that the attempt belongs to: what several runs share is divided among these. */
  readonly runId: string;
  readonly taskId: string;
  /** That of the task: higher goes first. */
  readonly priority: number;
  /**
   * How much of the plan waits for the task: the length of the longest path from it to the end of the
   * plan, itself included, as in `TaskView`. Comparable within a run.
   */
  readonly criticalPath: number;
  /** 1 for the first try. */
  readonly attempt: number;
  /**
   * For servers that process a request once for each key. It is the same when this attempt is started
   * again after a crash, and different for every other attempt. Valid in a header. A runner that sends
   * several requests in one attempt needs a key for each, such as this one followed by the step.
   */
  readonly idempotencyKey: string;
  /**
   * How many tries the task has left, this one included. A runner may make several of them in one
   * attempt, and reports their number: see `RunnerErrorDetails.tries`.
   */
  readonly attemptsLeft: number;
  /**
   * The attachments of the task, for functions; a runner finds them in its request.
   * @default none
   */
  readonly attachments?: readonly RequestAttachment[] | undefined;
  /** Aborted when the attempt is to stop; its `reason` is the cause. */
  readonly signal: AbortSignal;
  /**
   * The failures that this task runs after, each one once, in the order of the dependencies. For a
   * dependency that was skipped because another task failed, this is that other task. Always empty unless
   * the task is to run after `settled` or `failure`.
   */
  readonly failures: readonly TaskFailure[];
  /**
   * The milliseconds that the attempt has left, counted down each time it is read; 0 when they are
   * used up, undefined without a limit. No clock is needed to read it: do not add it to a time of day,
   * because the system may set that at any moment.
   */
  readonly remainingMs: number | undefined;
  /**
   * How long calls of tools have waited for their approval so far, in milliseconds. No time limit of the
   * attempt counts it.
   * @default 0
   */
  readonly waitedMs?: number | undefined;
  /**
   * Reports a piece of text, or another part of the output, while the attempt runs; it becomes a
   * `task_output` event.
   *
   * @returns A promise while the run or the readers of its events are far behind: await it before
   * reading more from the model, so that the model slows down, too. Undefined otherwise.
   */
  readonly emit: (part: string | OutputPart) => Promise<void> | undefined;
  /**
   * Whether anybody reads the text while it is written. A runner need not stream, nor emit the text, when
   * this is false.
   * @default true
   */
  readonly wantsText?: boolean | undefined;
  /**
   * Surrounds the requests and the calls of the attempt, where the run has an `instrumentation`. A runner
   * makes its requests to a model inside `modelCall`; the calls of tools are inside `toolCall` already.
   * @default nobody watches
   */
  readonly surround?: Surround | undefined;
  /**
   * Adds tasks to the plan while it runs. They may depend on each other and on any task of the plan,
   * and the plan is not complete before they are.
   *
   * @throws {PlanError} with the problems of the tasks, if there are any.
   * @throws {StratagemError} `run_ended` when this attempt, or the whole run, is over.
   */
  readonly addTasks: (tasks: readonly Task[]) => void;
}

/** A function that a model may call for a task, and that a task may call without a model. */
export interface Tool<Schema extends AnySchema = AnySchema, Output = unknown> {
  /** At most 64 letters, digits, `_` and `-`: every provider accepts these. */
  readonly name: string;
  /** Tells the model what it does and when to call it. */
  readonly description: string;
  /**
   * The schema of the input, which is validated before `execute` is called: of any Standard Schema
   * library that can write it as JSON Schema, or plain JSON Schema.
   */
  readonly inputSchema: Schema;
  /**
   * Runs the tool. The model gets the returned text or JSON value. If it throws, the model gets the
   * message, and the attempt continues.
   */
  // biome-ignore lint/suspicious/noExplicitAny: tool() types each function; here any input fits
  readonly execute: (input: any, context: ToolContext) => Output | PromiseLike<Output>;
  /** Timeout of one call in milliseconds; the model gets a message then. */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether a task that calls it without a model may take its output from an earlier run, where the run
   * has `reuse`; a function if it depends on the input. `false` for a tool that changes something.
   * @default true
   */
  // biome-ignore lint/suspicious/noExplicitAny: as for execute
  readonly reusable?: boolean | ((input: any) => boolean) | undefined;
  /**
   * Whether a human has to approve a call before it runs: always, or depending on its input. The call
   * is a question of the run, see `openQuestions`. The model is given the reason of a rejection.
   * @default false
   */
  // biome-ignore lint/suspicious/noExplicitAny: tool() types each function; here any input fits
  readonly needsApproval?: boolean | ((input: any) => boolean | Promise<boolean>) | undefined;
  /**
   * How long a call waits for its approval, in milliseconds; after that it is rejected.
   * @default without a limit
   */
  readonly approvalTimeoutMs?: number | undefined;
}

/** The context of one call of a tool: that of the attempt, and the id of the call. */
export interface ToolContext extends RunContext {
  readonly callId: string;
}

/** A tool as a runner sees it: with a JSON Schema, and with calls that are logged. */
export interface RequestTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /**
   * Validates the input, runs the tool, and logs the call and its result. An error of the tool is a
   * result for the model and does not fail the attempt.
   *
   * Rejects only with `aborted`, when the attempt is over.
   *
   * @param input The input of the model; a string is parsed as JSON.
   * @param callId The model's own id of the call.
   * @param signal Aborts the call before the end of the attempt.
   */
  readonly call: (input: unknown, callId?: string, signal?: AbortSignal) => Promise<ToolResult>;
}

/** The result of a call; `text` is for the model. */
export type ToolResult =
  | { readonly ok: true; readonly output: unknown; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly text: string };
