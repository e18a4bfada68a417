import type { AnswerReport } from './answer-report.js';
import { normalizeKey, quote, quoteName, shortName, toText } from './json-value.js';
import type { NamedTasks } from './named-tasks.js';
import type { ParsedTask } from './parsed-task.js';
import { numberIn, referenceText, splitReferences } from './reference-text.js';
import { REPAIRS } from './repairs.js';
import type { ReferenceResolver } from './resolve-reference.js';
import { batchesIn } from './stated-order.js';
import type { NamedValue } from './task-fields.js';
import type { TaskGraph } from './task-graph.js';

const REMEDY = 'list what each task needs in its "dependencies", and leave this field out';
/** Words that say that each task follows the one before it. */
const ONE_BY_ONE =
  /^(sequential(ly)?|serial(ly)?|in (order|sequence)|one (by|after) (one|another)|chain(ed)?|linear)$/i;
/** Words that relate two tasks in a sentence. */
const RELATION =
  /\b(?:before|after|then|first|depends?|precedes?|follows?|needs?|requires?)\b|->|→/i;
/** Names of fields whose lists are batches of tasks. */
const GROUPS =
  /parallel|concurren|independent|batch|wave|stage|phase|group|level|execution|order|schedule|sequence|layer/;
const PARALLEL = /^(?:parallel|concurren|independent)/;

/**
 * Reports fields that state an order which the dependencies do not have: such an order may mean
 * either direction, so that the model has to say what it means.
 */
export class OrderCheck {
  readonly #report: AnswerReport;
  readonly #graph: TaskGraph;
  readonly #topLevel: readonly ParsedTask[];
  readonly #resolver: ReferenceResolver;
  readonly #tasksById: ReadonlyMap<string, ParsedTask>;

  constructor(
    topLevel: readonly ParsedTask[],
    graph: TaskGraph,
    resolver: ReferenceResolver,
    report: AnswerReport,
  ) {
    this.#topLevel = topLevel;
    this.#graph = graph;
    this.#resolver = resolver;
    this.#report = report;
    this.#tasksById = new Map(topLevel.map((task) => [task.writtenId ?? '', task]));
  }

  /** A field of a task that names other tasks must add nothing to the dependencies. */
  checkField(task: ParsedTask, name: string, { tasks, position }: NamedTasks): void {
    const path = [...task.path, shortName(name)];
    const isRedundant = [...tasks].every((other) => this.#graph.isOrdered(task, other));
    if (isRedundant && position === undefined) return;
    const names = tasks.size > 0 ? [...tasks].map(nameOf) : [position as string];
    const list = names.slice(0, 5).map(quote).join(', ');
    const message = `it is unclear whether the task needs ${list}, or comes before; ${REMEDY}`;
    this.#report.addProblem('unclear', path, message);
  }

  /** Fields that place the tasks of one list in an order or in groups. */
  checkColumns(siblings: readonly ParsedTask[]): void {
    const columns = new Map<string, Map<ParsedTask, unknown>>();
    for (const task of siblings) {
      for (const [name, value] of task.orders) {
        const column = columns.get(name) ?? new Map<ParsedTask, unknown>();
        columns.set(name, column.set(task, value));
      }
    }
    for (const [name, column] of columns) {
      const [first] = column.keys();
      const isHarmless = this.#isRedundantColumn(siblings, column);
      if (isHarmless) {
        this.#report.addRepair(REPAIRS.fieldIgnored(quoteName(name)));
        continue;
      }
      const message = `it is unclear which tasks must end before which; ${REMEDY}`;
      this.#report.addProblem('unclear', [...(first as ParsedTask).path, shortName(name)], message);
    }
  }

  #isRedundantColumn(siblings: readonly ParsedTask[], column: ReadonlyMap<ParsedTask, unknown>) {
    const values = new Set([...column.values()].map(toText));
    if (values.size === 1 && column.size === siblings.length) return true;
    if (this.#isExplicit(siblings)) return !this.#contradicts(column);
    const rank = (task: ParsedTask) => rankOf(column.get(task));
    if (siblings.some((task) => rank(task) === undefined)) return false;
    const first = Math.min(...siblings.map((task) => rank(task) as number));
    return siblings.every((task) => {
      const own = rank(task) as number;
      if (own === first) return true;
      return siblings.some((other) => {
        return (rank(other) as number) < own && this.#graph.isBefore(other, task);
      });
    });
  }

  /** Whether a task runs before one whose rank is lower. */
  #contradicts(column: ReadonlyMap<ParsedTask, unknown>): boolean {
    const ranked = [...column].flatMap(([task, value]) => {
      const rank = rankOf(value);
      return rank === undefined ? [] : [{ task, rank }];
    });
    return ranked.some((one) =>
      ranked.some((other) => one.rank < other.rank && this.#graph.isBefore(other.task, one.task)),
    );
  }

  /** Whether every task states its dependencies, and one of them has some. */
  #isExplicit(siblings: readonly ParsedTask[]): boolean {
    return this.#graph.hasDependencies && siblings.every((task) => task.statesDependencies);
  }

  /** A field beside the tasks that names several of them must add nothing to the dependencies. */
  checkBeside([name, value]: NamedValue): void {
    if (this.#isRedundantBeside(name, value)) {
      this.#report.addRepair(REPAIRS.planFieldIgnored(quoteName(name)));
    } else this.reportBeside(name);
  }

  reportBeside(name: string): void {
    const message = `it is unclear which tasks must end before which; ${REMEDY}`;
    this.#report.addProblem('unclear', [shortName(name)], message);
  }

  #isRedundantBeside(name: string, value: unknown): boolean {
    if (this.#hasOtherPairs(value)) return false;
    if (/depend/.test(normalizeKey(name)) && typeof value === 'object') {
      // Whatever it says about dependencies, it is in no form that can be read.
      const isNamed = batchesIn(value).some((batch) => this.#tasksOf(batch).length > 0);
      if (!isNamed && !this.#isExplicit(this.#topLevel)) return false;
    }
    if (typeof value === 'string' && ONE_BY_ONE.test(value.trim())) {
      return this.#graph.hasDependencies;
    }
    const isGrouped = GROUPS.test(normalizeKey(name));
    const written = batchesIn(value);
    const batches = (isGrouped ? written : written.flat().map((each) => [each])).map((batch) =>
      this.#tasksOf(batch),
    );
    const named = new Set(batches.flat());
    if (named.size < 2) return true;
    const filled = batches.filter((batch) => batch.length > 0);
    const isForward = filled.every((batch, index) =>
      batch.every((task) =>
        filled
          .slice(index + 1)
          .every((later) => later.every((other) => !this.#graph.isBefore(other, task))),
      ),
    );
    if (!isForward) return false;
    if (this.#isExplicit(this.#topLevel)) return true;
    if (filled.length === 1) return PARALLEL.test(normalizeKey(name));
    return filled.every((batch, index) =>
      batch.every((task) => {
        const earlier = filled.slice(0, index).flat();
        return index === 0 || earlier.some((other) => this.#graph.isBefore(other, task));
      }),
    );
  }

  /** Whether a list has sentences like "a before b" about tasks that the dependencies do not order. */
  #hasOtherPairs(value: unknown): boolean {
    if (!Array.isArray(value)) return false;
    return value.some((sentence) => {
      if (typeof sentence !== 'string' || sentence.length > 200 || !RELATION.test(sentence))
        return false;
      const words = sentence.match(/[\p{L}\p{N}_.-]*[\p{L}\p{N}_]/gu) ?? [];
      const named = new Set(words.flatMap((word) => this.#tasksById.get(word) ?? []));
      const [first, second] = named;
      return first !== undefined && second !== undefined && !this.#graph.isOrdered(first, second);
    });
  }

  #tasksOf(batch: readonly unknown[]): ParsedTask[] {
    return batch.flatMap((given) => {
      const text = referenceText(given);
      if (text === undefined || text === '') return [];
      const whole = this.#resolver.findTopLevel(text);
      if (whole !== undefined) return [whole];
      const parts = splitReferences(text)?.map((part) => this.#resolver.findTopLevel(part)) ?? [];
      return parts.includes(undefined) ? [] : (parts as ParsedTask[]);
    });
  }
}

function rankOf(value: unknown): number | undefined {
  const text = referenceText(value);
  if (text === undefined) return undefined;
  return numberIn(text) ?? numberIn(text.replace(/^\D+/, ''));
}

function nameOf({ writtenId, title, description = '' }: ParsedTask): string {
  return writtenId ?? title ?? description;
}
