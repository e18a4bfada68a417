import {
  deriveContext,
  PlanError,
  type RunContext,
  resourceOf,
  type Task,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { endingOf } from '../ask/final-task.js';
import { Dialogue } from '../ask/repair-loop.js';
import type { PlannerSettings } from '../options/planner-options.js';
import type { AnswerProblem } from '../read/answer-problem.js';
import { type PlanReading, readPlan } from '../read/read-plan.js';
import { TaskStream } from './task-stream.js';

/**
 * A plan that is carried out while it is being written: each task is added to the run as soon as
 * it is there and can be used as it stands, and all that it depends on is. What is not plain waits
 * for the whole answer, which is then read, mended and sent back like any other.
 *
 * What has been added stays, whatever comes after it.
 */
export class StreamedPlan {
  readonly dialogue: Dialogue;
  readonly #goal: string;
  readonly #settings: PlannerSettings;
  readonly #added: Task[] = [];
  /** Of those, and of those with their subtasks. */
  readonly #topIds = new Set<string>();
  readonly #ids = new Set<string>();
  #waiting: unknown[] = [];
  /** What the answer under way is read with. */
  #stream: TaskStream | undefined;
  #addTasks: RunContext['addTasks'] = () => {};
  #finalTaskId: string | undefined;

  constructor(goal: string, settings: PlannerSettings) {
    this.#goal = goal;
    this.#settings = settings;
    this.dialogue = new Dialogue((answer) => this.#read(answer), settings.repairAttempts);
  }

  /** What has been added to the run, in that order. */
  get tasks(): readonly Task[] {
    return this.#added;
  }

  /** The task that brings the result; undefined as long as the plan is not complete. */
  get finalTaskId(): string | undefined {
    return this.#finalTaskId;
  }

  /** The runner of the tasks, with this plan as the output of one of them. */
  runnerOf(taskId: string, runner: TaskRunner, planner: TaskRunner): TaskRunner {
    const planning = this.dialogue.with({
      name: planner.name,
      run: (request, context) => this.#listen(planner, request, context),
    });
    return {
      name: runner.name,
      resource: (task) => resourceOf(task.id === taskId ? planner : runner, task),
      ...(runner.settings !== undefined && { settings: runner.settings }),
      ...(runner.supportsTools !== undefined && { supportsTools: runner.supportsTools }),
      run: (request, context) =>
        request.taskId === taskId ? planning.run(request, context) : runner.run(request, context),
    };
  }

  /**
   * One request for the plan, or for the rest of it, whose answer is read as it comes. What an
   * attempt that was given up still writes is not heard.
   */
  #listen(planner: TaskRunner, request: TaskRequest, context: RunContext): Promise<TaskOutput> {
    this.#waiting = [];
    this.#addTasks = context.addTasks;
    const { maxAnswerLength } = this.#settings;
    const stream = new TaskStream(maxAnswerLength, (task) => this.#take(task));
    this.#stream = stream;
    const write = (text: string) => {
      if (this.#stream === stream) stream.write(text);
    };
    return planner.run(
      this.#withProgress(request),
      deriveContext(context, {
        emit(part) {
          if (typeof part === 'string') write(part);
          else if (part.kind === 'text') write(part.text);
          return context.emit(part);
        },
      }),
    );
  }

  /** An answer after the first may not begin anew. */
  #withProgress(request: TaskRequest): TaskRequest {
    if (this.#added.length === 0) return request;
    const ids = this.#added.map(({ id }) => JSON.stringify(id)).join(', ');
    const progress =
      `\n\nThese tasks of the plan are under way already, and stay as they were written: ${ids}. ` +
      'The others may depend on them.';
    return {
      ...request,
      prompt: request.prompt + progress,
      plainPrompt: request.plainPrompt + progress,
    };
  }

  /** A task has been written. */
  #take(written: unknown): void {
    this.#waiting.push(written);
    for (let hasGrown = true; hasGrown; ) {
      const before = this.#waiting.length;
      this.#waiting = this.#waiting.filter((each) => !this.#addEarly(each));
      hasGrown = this.#waiting.length < before && this.#waiting.length > 0;
    }
  }

  /** @returns Whether it is in the run now. */
  #addEarly(written: unknown): boolean {
    if (!saysOrder(written)) return false;
    const settings = { ...this.#settings, minSubtasks: 1 };
    const isTaken = (id: string) => this.#ids.has(id);
    const { tasks, repairs, problems } = readPlan({ tasks: [written] }, settings, { isTaken });
    const [task] = tasks;
    // What had to be mended may mean something else when all is there.
    const isPlain = problems.length === 0 && repairs.length === 0;
    if (task === undefined || !isPlain || this.#excess([task]).length > 0) return false;
    if (hasTooFew(task, this.#settings.minSubtasks)) return false;
    try {
      this.#addTasks([task]);
    } catch (error) {
      if (error instanceof PlanError) return false;
      throw error;
    }
    this.#remember([task]);
    return true;
  }

  #remember(tasks: readonly Task[]): void {
    this.#added.push(...tasks);
    for (const task of tasks) {
      this.#topIds.add(task.id);
      eachTask(task, ({ id }) => this.#ids.add(id));
    }
  }

  /** The whole answer is there: adds what is left of it, when it can be used. */
  #read(answer: unknown): PlanReading {
    const { tasks, repairs, problems } = this.#readWhole(answer);
    const rest = tasks.filter(({ id }) => !this.#topIds.has(id));
    const wrong = [...problems, ...this.#excess(rest), ...this.#shortage(rest)];
    if (wrong.length > 0) return { tasks: [], repairs, problems: wrong };
    const all = [...this.#added, ...rest];
    const isTaken = (id: string) => this.#ids.has(id);
    const { taskId, synthesis } = endingOf(this.#goal, all, isTaken);
    const added = synthesis === undefined ? rest : [...rest, synthesis];
    try {
      this.#addTasks(added);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      return { tasks: [], repairs, problems: error.problems };
    }
    this.#remember(added);
    this.#finalTaskId = taskId;
    return { tasks: this.#added, repairs, problems: [] };
  }

  /** Tasks that are under way may be repeated, or left out and depended on. */
  #readWhole(answer: unknown): PlanReading {
    const settings = { ...this.#settings, minSubtasks: 1 };
    const reading = readPlan(answer, settings);
    const repeated = new Set<string>();
    for (const task of reading.tasks) eachTask(task, ({ id }) => repeated.add(id));
    if ([...this.#ids].every((id) => repeated.has(id))) return reading;
    const isTaken = (id: string) => this.#ids.has(id) && !repeated.has(id);
    return readPlan(answer, settings, { isTaken });
  }

  /** What is wrong with so many more tasks. */
  #excess(more: readonly Task[]): AnswerProblem[] {
    const { maxSubtasks, maxTasks } = this.#settings;
    const top = this.#added.length + more.length;
    let count = this.#ids.size;
    for (const task of more) eachTask(task, () => count++);
    if (top <= maxSubtasks && count <= maxTasks) return [];
    const [has, most] = top > maxSubtasks ? [top, maxSubtasks] : [count, maxTasks];
    const message = `has ${has} tasks with those under way, more than the ${most} that are allowed`;
    return [{ code: 'too_many_tasks', path: ['tasks'], message }];
  }

  #shortage(rest: readonly Task[]): AnswerProblem[] {
    const { minSubtasks } = this.#settings;
    const top = this.#added.length + rest.length;
    if (top >= minSubtasks && !rest.some((task) => hasTooFew(task, minSubtasks))) return [];
    const message = `each list of tasks must have at least ${minSubtasks}`;
    return [{ code: 'too_few_tasks', path: ['tasks'], message }];
  }
}

/** What does not say whether it waits for anything may be told so at the end of the answer. */
function saysOrder(written: unknown): boolean {
  return typeof written === 'object' && written !== null && 'dependencies' in written;
}

function hasTooFew({ subtasks = [] }: Task, least: number): boolean {
  const isShort = subtasks.length > 0 && subtasks.length < least;
  return isShort || subtasks.some((subtask) => hasTooFew(subtask, least));
}

function eachTask(task: Task, visit: (task: Task) => void): void {
  visit(task);
  for (const subtask of task.subtasks ?? []) eachTask(subtask, visit);
}
