import type {
  ReplanCompleted,
  ReplanFailed,
  ReplanStarted,
  TasksAdded,
} from '../src/contract/event.js';
import type { ReplanLimits } from '../src/contract/replan.js';
import { type Account, isInFanOut } from './account.js';
import { must } from './must.js';
import type { GivenSituation } from './random-runs.js';

/** Checks the rounds of re-planning by the log alone. */
export class ReplanWatch {
  readonly #limits: ReplanLimits | undefined;
  readonly #given: readonly GivenSituation[];
  #rounds = 0;
  #tasks = 0;
  #current: ReplanStarted | undefined;
  /** Number of tasks that a round has announced and that have not been added yet. */
  #promised = 0;
  #isOver = false;

  constructor(limits: ReplanLimits | undefined, given: readonly GivenSituation[]) {
    this.#limits = limits;
    this.#given = given;
  }

  get isUnderWay(): boolean {
    return this.#current !== undefined;
  }

  get hasBegun(): boolean {
    return this.#rounds > 0;
  }

  started(event: ReplanStarted, accounts: readonly Account[]): void {
    const { round, reason, failedTaskIds, droppedTasks } = event;
    must(this.#limits !== undefined, 'only a run with a planner is revised');
    must(!this.isUnderWay, 'one round at a time');
    must(!this.#isOver, 'a round that brought nothing is the last');
    must(round === ++this.#rounds, 'rounds are numbered');
    must(round <= (this.#limits.maxRounds ?? 3), 'there are no more than maxRounds');
    must(this.#tasks < (this.#limits.maxTasks ?? 50), 'there is room for more tasks');
    must((reason === 'tasks_failed') === failedTaskIds.length > 0, 'a round has a reason');
    this.#current = event;

    const open = accounts.filter((each) => each.isFailure && !each.isMadeUpFor);
    const isOpen = (id: string) => open.some(({ task }) => task.id === id);
    must(failedTaskIds.every(isOpen), 'a round is about what nothing has made up for');
    const given = this.#given[round - 1];
    must(given?.round === round && given.reason === reason, 'a round is a command');
    must(isSame(given.failed, failedTaskIds), 'a planner is told what failed');
    must(given.dropped.length === droppedTasks, 'a planner is told what was dropped');
    must(given.dropped.every(isOpen), 'what was dropped is not there');
    const told = new Set([...given.failed, ...given.dropped]);
    for (const { task } of open.filter((each) => !isInFanOut(each))) {
      must(told.has(task.id), 'a planner is told of everything that is missing', task.id);
    }
    const done = accounts.filter((each) => each.status === 'completed' && !isInFanOut(each));
    must(
      isSame(
        given.completed.map(({ id }) => id),
        done.map(({ task }) => task.id),
      ),
      'a planner is told what is done',
    );
    for (const [position, { output }] of given.completed.entries()) {
      must(output === done[position]?.output, 'a planner is given the outputs');
    }
  }

  completed(event: ReplanCompleted, get: (id: string) => Account): void {
    const { failedTaskIds } = this.#end(event);
    const { tasks, replaces, sequence } = event;
    must(tasks > 0 || replaces.length === 0, 'nothing makes up for nothing');
    for (const id of replaces) {
      must(failedTaskIds.includes(id), 'only what failed is made up for', id);
      get(id).replacedAt = sequence;
    }
    this.#promised = tasks;
    this.#isOver = tasks === 0;
  }

  failed(event: ReplanFailed): void {
    must(event.error.round === event.round, 'an error names its round');
    this.#end(event);
    this.#isOver = true;
  }

  /** @param count How many there are, subtasks included. */
  added({ tasks }: TasksAdded, count: number): void {
    must(tasks.length === this.#promised, 'a round adds what it says');
    this.#promised = 0;
    this.#tasks += count;
    must(this.#tasks <= (this.#limits?.maxTasks ?? 50), 'rounds add no more than maxTasks');
  }

  close(): void {
    must(!this.isUnderWay && this.#promised === 0, 'no round outlives the run');
  }

  #end({ round, durationMs, timestamp }: ReplanCompleted | ReplanFailed): ReplanStarted {
    const current = this.#current;
    must(current?.round === round, 'only the round under way ends');
    must(durationMs === timestamp - current.timestamp, 'a duration is since the start');
    this.#current = undefined;
    return current;
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, position) => each === b[position]);
}
