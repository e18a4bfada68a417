import type { TaskType } from '@stratagem/core';
import type { AnswerPath, AnswerReport } from './answer-report.js';
import { assignIds } from './assign-ids.js';
import { OrderCheck } from './check-order.js';
import { quote, quoteName } from './json-value.js';
import { DescriptionLinker, type NamedField } from './link-description.js';
import { TaskNames } from './named-tasks.js';
import { isWithin, type ParsedTask } from './parsed-task.js';
import { referenceText, splitReferences } from './reference-text.js';
import { REPAIRS } from './repairs.js';
import { ReferenceResolver, type ReferenceTarget, reportReading } from './resolve-reference.js';
import { isTerminal, type StatedOrder, statedOrder } from './stated-order.js';
import { isDependencyIfTasks, type NamedValue } from './task-fields.js';
import { TaskGraph } from './task-graph.js';

/** The fields of a task after its references to other tasks are resolved. */
export interface Links {
  readonly id: string;
  /** An aggregate where the dependencies show that the task runs after its subtasks. */
  readonly type: TaskType;
  readonly dependencies: string[];
  readonly description: string | undefined;
}

/** What linking the tasks of an answer takes. */
export interface LinkOptions {
  readonly report: AnswerReport;
  /** Whether tasks may be aggregates. */
  readonly mayAggregate: boolean;
  /** Whether an id belongs to a task that exists before the answer. */
  readonly exists: (id: string) => boolean;
  /** The fields beside the list of tasks. */
  readonly beside: readonly NamedValue[];
  readonly maxDescriptionLength: number;
}

/**
 * Gives each task its id, and resolves the references between tasks. A reference that cannot be
 * resolved stays as it was written, so that the validation of the plan reports it.
 */
export function linkTasks(
  topLevel: readonly ParsedTask[],
  options: LinkOptions,
): Map<ParsedTask, Links> {
  return new TaskLinker(topLevel, options).link();
}

class TaskLinker {
  readonly #topLevel: readonly ParsedTask[];
  readonly #tasks: readonly ParsedTask[];
  readonly #report: AnswerReport;
  readonly #options: LinkOptions;
  /** Tasks with subtasks that turned out to be aggregates. */
  readonly #aggregates = new Set<ParsedTask>();
  readonly #ids: ReadonlyMap<ParsedTask, string>;
  readonly #resolver: ReferenceResolver;
  readonly #names: TaskNames;
  readonly #orders: readonly (readonly [field: NamedValue, order: StatedOrder])[];

  constructor(topLevel: readonly ParsedTask[], options: LinkOptions) {
    const { report, exists, beside } = options;
    this.#topLevel = topLevel;
    this.#tasks = levelByLevel(topLevel);
    this.#report = report;
    this.#options = options;
    this.#ids = assignIds(this.#tasks, report, exists);
    this.#orders = beside.map((field) => [field, statedOrder(field)] as const);
    const pairs = this.#orders.flatMap(([, order]) => (isPairs(order) ? order.pairs : []));
    const references = pairs.flatMap(({ before, after }) => [before, after]);
    this.#resolver = new ReferenceResolver(topLevel, this.#tasks, exists, references);
    this.#names = new TaskNames(this.#tasks, this.#resolver);
  }

  link(): Map<ParsedTask, Links> {
    // All dependencies come first: they decide which tasks are aggregates.
    const dependencies = new Map(this.#tasks.map((task) => [task, this.#dependenciesOf(task)]));
    const named = new Map(
      this.#tasks.map((task) => [task, this.#readOthers(task, dependencies.get(task) as string[])]),
    );
    this.#addPairs(dependencies);
    const descriptions = new DescriptionLinker(this.#resolver, {
      report: this.#report,
      maxDescriptionLength: this.#options.maxDescriptionLength,
      idOf: (task) => this.#idOf(task),
      typeOf: (task) => this.#typeOf(task),
      dependenciesOn: (target, task) => this.#dependenciesOn(target, task),
    });
    const links = new Map<ParsedTask, Links>();
    for (const [task, needed] of dependencies) {
      const description = descriptions.link(task, needed, named.get(task) ?? []);
      const type = this.#typeOf(task);
      links.set(task, { id: this.#idOf(task), type, dependencies: needed, description });
    }
    this.#checkOrder(dependencies, named);
    return links;
  }

  // --- Fields that may name tasks ---

  /** The fields of unknown meaning, without those that turned out to be dependencies. */
  #readOthers(task: ParsedTask, dependencies: string[]): readonly NamedField[] {
    return task.others.flatMap((field) => {
      const named = this.#names.in(field, task);
      const [name] = field;
      const areDependencies =
        isDependencyIfTasks(name) && named.tasks.size > 0 && !named.hasOtherParts;
      if (!areDependencies || named.position !== undefined) return [{ field, named }];
      this.#report.addRepair(REPAIRS.fieldRenamed(quoteName(name), 'dependencies'));
      for (const other of named.tasks)
        addTo(dependencies, this.#dependenciesOn({ task: other }, task));
      return [];
    });
  }

  /** Adds the dependencies that are stated beside the tasks. */
  #addPairs(dependencies: ReadonlyMap<ParsedTask, string[]>): void {
    for (const [[name], order] of this.#orders) {
      if (!isPairs(order)) continue;
      let count = 0;
      for (const { before, after, path } of order.pairs) {
        const [first, second] = [this.#tasksBeside(before), this.#tasksBeside(after)];
        if (first === undefined || second === undefined) {
          const [unknown, known] = first === undefined ? [before, second] : [after, first];
          // A workflow may begin and end at marks that are no tasks.
          if (isTerminal(unknown) && (known !== undefined || isTerminal(after))) continue;
          this.#report.addProblem('unclear', path, `there is no single task ${quote(unknown)}`);
          continue;
        }
        count++;
        for (const task of second) {
          for (const other of first) {
            addTo(dependencies.get(task) as string[], this.#dependenciesOn({ task: other }, task));
          }
        }
      }
      if (count > 0) this.#report.addRepair(REPAIRS.planFieldRead(quoteName(name)));
    }
  }

  #tasksBeside(text: string): readonly ParsedTask[] | undefined {
    const task = this.#resolver.findTopLevel(text);
    if (task !== undefined) return [task];
    const parts = splitReferences(text)?.map((part) => this.#resolver.findTopLevel(part));
    return parts?.includes(undefined) ? undefined : (parts as ParsedTask[] | undefined);
  }

  #checkOrder(
    dependencies: ReadonlyMap<ParsedTask, readonly string[]>,
    named: ReadonlyMap<ParsedTask, readonly NamedField[]>,
  ): void {
    const graph = new TaskGraph((task) => this.#idOf(task), dependencies);
    const check = new OrderCheck(this.#topLevel, graph, this.#resolver, this.#report);
    for (const [task, fields] of named) {
      for (const { field, named: names } of fields) check.checkField(task, field[0], names);
    }
    for (const siblings of new Set(this.#tasks.map((task) => task.siblings))) {
      check.checkColumns(siblings);
    }
    for (const [field, order] of this.#orders) {
      if (order === 'unclear') check.reportBeside(field[0]);
      else if (order === undefined) check.checkBeside(field);
    }
  }

  #typeOf(task: ParsedTask): TaskType {
    return this.#aggregates.has(task) ? 'aggregate' : task.type;
  }

  #idOf(task: ParsedTask): string {
    return this.#ids.get(task) as string;
  }

  // --- Dependencies ---

  #dependenciesOf(task: ParsedTask): string[] {
    const ids = new Set<string>();
    for (const [position, given] of task.needs.entries()) {
      const isId = typeof given === 'string' && this.#resolver.findById(given, task) !== undefined;
      const text = isId ? given : referenceText(given);
      const path = [...task.path, 'dependencies', position];
      if (text === undefined) {
        this.#report.addProblem('invalid_value', path, 'must be the id of a task');
      } else if (text !== '') this.#addDependency(task, given, text, ids, path);
    }
    return [...ids];
  }

  #addDependency(
    task: ParsedTask,
    given: unknown,
    text: string,
    ids: Set<string>,
    path: AnswerPath,
  ): void {
    const target = this.#resolver.find(text, task);
    if (target !== undefined) {
      for (const id of this.#dependenciesOn(target, task)) {
        reportReading(given, text, id, this.#report);
        if (ids.has(id)) this.#report.addRepair(REPAIRS.needTwice(quote(id)));
        ids.add(id);
      }
      return;
    }
    const parts = splitReferences(text) ?? wordsOf(text);
    const targets = parts.map((part) => this.#resolver.find(part, task));
    if (parts.length === 0 || targets.includes(undefined)) {
      const unclear = [text, ...parts].find((part) => this.#resolver.isUnclearPosition(part, task));
      if (unclear !== undefined) {
        const message = `${quote(unclear)} may count the tasks from 0 or from 1; give each task an id, and use the ids`;
        this.#report.addProblem('unclear', path, message);
        return;
      }
      ids.add(text); // The validation of the plan reports it, and suggests similar ids.
      return;
    }
    this.#report.addRepair(REPAIRS.needSplit(quote(text)));
    for (const each of targets) {
      for (const id of this.#dependenciesOn(each as ReferenceTarget, task)) ids.add(id);
    }
  }

  /** The ids that a dependency adds; none where it is impossible or redundant. */
  #dependenciesOn(target: ReferenceTarget, task: ParsedTask): string[] {
    if ('existingId' in target) return [target.existingId];
    if ('allBefore' in target) {
      const before = task.siblings.slice(0, task.siblings.indexOf(task));
      return before.map((each) => this.#idOf(each));
    }
    const { task: other } = target;
    const [id, own] = [this.#idOf(other), this.#idOf(task)];
    if (other === task) {
      this.#report.addRepair(REPAIRS.needItself(quote(own)));
      return [];
    }
    if (isWithin(task, other)) {
      this.#report.addRepair(REPAIRS.needContainer(quote(own), quote(id)));
      return [];
    }
    if (isWithin(other, task)) {
      this.#report.addRepair(REPAIRS.needSubtask(quote(own), quote(id)));
      if (
        task.type !== 'aggregate' &&
        task.description !== undefined &&
        this.#options.mayAggregate
      ) {
        this.#report.addRepair(REPAIRS.madeAggregate(quote(own)));
        this.#aggregates.add(task);
      }
      return [];
    }
    return [id];
  }
}

function isPairs(order: StatedOrder): order is Exclude<StatedOrder, 'unclear' | undefined> {
  return typeof order === 'object';
}

function addTo(ids: string[], more: readonly string[]): void {
  for (const id of more) if (!ids.includes(id)) ids.push(id);
}

/** `a b` in an attribute of XML. */
function wordsOf(text: string): readonly string[] {
  const words = text.trim().split(/\s+/);
  return words.length > 1 ? words : [];
}

function levelByLevel(topLevel: readonly ParsedTask[]): ParsedTask[] {
  const all = [...topLevel];
  for (const task of all) all.push(...task.subtasks);
  return all;
}
