import {
  PlanError,
  type RunContext,
  type Task,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { deriveContext, resourceOf } from '@stratagem/core/runner';
import { finalTaskOf } from '../ask/final-task.js';
import { RepairLoop } from '../ask/repair-loop.js';
import type { PlannerSettings } from '../options/planner-options.js';
import type { AnswerProblem } from '../read/answer-problem.js';
import { type PlanReading, readPlan } from '../read/read-plan.js';
import { mayRefer } from '../read/text-references.js';
import { flattenTasks } from '../util/flatten-tasks.js';
import { wrapRunner } from '../util/wrap-runner.js';
import { TaskStream } from './task-stream.js';

/**
 * A plan that runs while the model writes it. A task is added to the run as soon as it is complete,
 * needs no repair, and all its dependencies are in the run. All other tasks wait for the whole
 * answer, which is then read, repaired and sent back like any other.
 *
 * Added tasks stay in the run, even if the rest of the answer turns out to be unusable.
 */
export class StreamedPlan {
  readonly repairLoop: RepairLoop;
  readonly #goal: string;
  readonly #settings: PlannerSettings;
  readonly #added: Task[] = [];
  readonly #topLevelIds = new Set<string>();
  /** With the ids of subtasks. */
  readonly #ids = new Set<string>();
  /** Tasks of the current answer that are complete, but not added. */
  #waiting: unknown[] = [];
  /** Reads the current answer. */
  #stream: TaskStream | undefined;
  #addTasks: RunContext['addTasks'] = () => {};
  #finalTaskId: string | undefined;

  constructor(goal: string, settings: PlannerSettings) {
    this.#goal = goal;
    this.#settings = settings;
    this.repairLoop = new RepairLoop((answer) => this.#read(answer), settings.repairAttempts);
  }

  /** The tasks of the run, in the order in which they were added. */
  get tasks(): readonly Task[] {
    return this.#added;
  }

  /** The task with the final output; undefined until the plan is complete. */
  get finalTaskId(): string | undefined {
    return this.#finalTaskId;
  }

  /** Wraps a runner, so that `planner` does the task `taskId`, whose output is the plan. */
  wrap(taskId: string, runner: TaskRunner, planner: TaskRunner): TaskRunner {
    const planning = this.repairLoop.wrap({
      name: planner.name,
      run: (request, context) => this.#runPlanner(planner, request, context),
    });
    const wrapped = wrapRunner(runner, (request, context) =>
      request.taskId === taskId ? planning.run(request, context) : runner.run(request, context),
    );
    return {
      ...wrapped,
      resource: (task) => resourceOf(task.id === taskId ? planner : runner, task),
    };
  }

  /** Makes one request for the plan or for the rest of it, and reads the answer as it streams. */
  #runPlanner(planner: TaskRunner, request: TaskRequest, context: RunContext): Promise<TaskOutput> {
    this.#waiting = [];
    this.#addTasks = context.addTasks;
    const { maxAnswerLength } = this.#settings;
    const stream = new TaskStream(maxAnswerLength, (task) => this.#receive(task));
    this.#stream = stream;
    const write = (text: string) => {
      // The planner of an abandoned attempt may still write.
      if (this.#stream === stream) stream.write(text);
    };
    return planner.run(
      this.#withAddedTasks(request),
      deriveContext(context, {
        wantsText: true,
        emit(part) {
          if (typeof part === 'string') write(part);
          else if (part.kind === 'text') write(part.text);
          return context.emit(part);
        },
      }),
    );
  }

  /** Tells the model which tasks run already, so that it does not plan them differently. */
  #withAddedTasks(request: TaskRequest): TaskRequest {
    if (this.#added.length === 0) return request;
    const ids = this.#added.map(({ id }) => JSON.stringify(id)).join(', ');
    const note =
      `\n\nThese tasks of the plan are running already, and stay as they were written: ${ids}. ` +
      'The other tasks may depend on them.';
    return {
      ...request,
      prompt: request.prompt + note,
      plainPrompt: request.plainPrompt + note,
    };
  }

  /** Each added task may unblock others that are waiting. */
  #receive(written: unknown): void {
    this.#waiting.push(written);
    for (let hasAdded = true; hasAdded; ) {
      const before = this.#waiting.length;
      this.#waiting = this.#waiting.filter((each) => !this.#addEarly(each));
      hasAdded = this.#waiting.length < before && this.#waiting.length > 0;
    }
  }

  /** @returns Whether the task was added. */
  #addEarly(written: unknown): boolean {
    if (!statesDependencies(written)) return false;
    const settings = { ...this.#settings, minSubtasks: 1 };
    const isTaken = (id: string) => this.#ids.has(id);
    const { tasks, repairs, problems } = readPlan({ tasks: [written] }, settings, { isTaken });
    const [task] = tasks;
    // The rest of the answer may show that a repair should be a different one.
    const isClean = problems.length === 0 && repairs.length === 0;
    if (task === undefined || !isClean || this.#tooMany([task]).length > 0) return false;
    if (hasShortList(task, this.#settings.minSubtasks)) return false;
    // The task may refer to one that is not written yet.
    if (flattenTasks([task]).some(({ description = '' }) => mayRefer(description))) return false;
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
    for (const { id } of tasks) this.#topLevelIds.add(id);
    for (const { id } of flattenTasks(tasks)) this.#ids.add(id);
  }

  /** Reads the whole answer, and adds the rest of its tasks if it is usable. */
  #read(answer: unknown): PlanReading {
    const { tasks, repairs, problems } = this.#readWhole(answer);
    const rest = tasks.filter(({ id }) => !this.#topLevelIds.has(id));
    const all = [
      ...problems,
      ...this.#lateDependencies(tasks),
      ...this.#tooMany(rest),
      ...this.#tooFew(rest),
    ];
    if (all.length > 0) return { tasks: [], repairs, problems: all };
    const isTaken = (id: string) => this.#ids.has(id);
    const { taskId, added } = finalTaskOf(this.#goal, [...this.#added, ...rest], isTaken);
    const more = added === undefined ? rest : [...rest, added];
    try {
      this.#addTasks(more);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      return { tasks: [], repairs, problems: error.problems };
    }
    this.#remember(more);
    this.#finalTaskId = taskId;
    return { tasks: this.#added, repairs, problems: [] };
  }

  /** The answer may repeat tasks that are added already, or only depend on them. */
  #readWhole(answer: unknown): PlanReading {
    const settings = { ...this.#settings, minSubtasks: 1 };
    const reading = readPlan(answer, settings);
    const repeated = new Set(flattenTasks(reading.tasks).map(({ id }) => id));
    if ([...this.#ids].every((id) => repeated.has(id))) return reading;
    const isTaken = (id: string) => this.#ids.has(id) && !repeated.has(id);
    return readPlan(answer, settings, { isTaken });
  }

  /** Dependencies that are written only after their task was added, such as a list of edges. */
  #lateDependencies(tasks: readonly Task[]): AnswerProblem[] {
    const added = new Map(flattenTasks(this.#added).map((task) => [task.id, task]));
    return flattenTasks(tasks).flatMap(({ id, dependencies = [] }) => {
      const running = added.get(id);
      if (running === undefined) return [];
      const known = running.dependencies ?? [];
      const late = dependencies.filter((each) => !known.includes(each));
      if (late.length === 0) return [];
      const message =
        `"${id}" is running already, so that it cannot depend on ${late.map((each) => `"${each}"`).join(', ')}; ` +
        'leave it as it was written, or add another task with these dependencies';
      return [{ code: 'unclear', path: ['tasks'], message }];
    });
  }

  #tooMany(more: readonly Task[]): AnswerProblem[] {
    const { maxSubtasks, maxTasks } = this.#settings;
    const topLevel = this.#added.length + more.length;
    const total = this.#ids.size + flattenTasks(more).length;
    if (topLevel <= maxSubtasks && total <= maxTasks) return [];
    const [count, limit] = topLevel > maxSubtasks ? [topLevel, maxSubtasks] : [total, maxTasks];
    const message = `has ${count} tasks, including running ones, more than the limit of ${limit}`;
    return [{ code: 'too_many_tasks', path: ['tasks'], message }];
  }

  #tooFew(rest: readonly Task[]): AnswerProblem[] {
    const { minSubtasks } = this.#settings;
    const topLevel = this.#added.length + rest.length;
    if (topLevel >= minSubtasks && !rest.some((task) => hasShortList(task, minSubtasks))) return [];
    const message = `each list must have at least ${minSubtasks} tasks`;
    return [{ code: 'too_few_tasks', path: ['tasks'], message }];
  }
}

/** A task without this field may get its dependencies from edges at the end of the answer. */
function statesDependencies(written: unknown): boolean {
  return typeof written === 'object' && written !== null && 'dependencies' in written;
}

function hasShortList(task: Task, minSubtasks: number): boolean {
  return flattenTasks([task]).some(({ subtasks = [] }) => {
    return subtasks.length > 0 && subtasks.length < minSubtasks;
  });
}
