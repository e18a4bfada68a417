import type { TaskType } from '@stratagem/core';
import type { AnswerPath, AnswerReport } from './answer-report.js';
import { assignIds } from './assign-ids.js';
import { OrderCheck } from './check-order.js';
import { describeWork } from './describe-work.js';
import { isLater } from './field-names.js';
import { normalizeKey, quote } from './json-value.js';
import { type NamedTasks, TaskNames } from './named-tasks.js';
import type { ParsedTask } from './parsed-task.js';
import { referenceText, splitReferences } from './reference-text.js';
import { ReferenceResolver, type ReferenceTarget, reportReading } from './resolve-reference.js';
import { isTerminal, type StatedOrder, statedOrder } from './stated-order.js';
import { isDependencyIfTasks, type NamedValue, shortName } from './task-fields.js';
import { TaskGraph } from './task-graph.js';
import { rewriteMarks, statedReferences } from './text-references.js';

/** The fields of a task after its references to other tasks are resolved. */
export interface Links {
  readonly id: string;
  /** An aggregate where the dependencies show that the task runs after its subtasks. */
  readonly type: TaskType;
  readonly dependencies: string[];
  readonly description: string | undefined;
}

/** A field of unknown meaning, and the tasks that it names. */
interface NamedField {
  readonly field: NamedValue;
  readonly named: NamedTasks;
}

/** The longest reference that core accepts. */
const MAX_REFERENCE_LENGTH = 1_000;
/** The syntax of core: `{{…}}` refers to an output, and `\{{` is text. */
const REFERENCE = /\\\{\{|\{\{([^{}]*)\}\}/g;

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
    const links = new Map<ParsedTask, Links>();
    for (const [task, needed] of dependencies) {
      const description = this.#descriptionOf(task, needed, named.get(task) ?? []);
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
      this.#report.addRepair(`"${shortName(name)}" was read as "dependencies".`);
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
      if (count > 0)
        this.#report.addRepair(`The plan field "${shortName(name)}" was read as dependencies.`);
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

  #doesOwnWork(task: ParsedTask): boolean {
    return doesOwnWork(task, this.#typeOf(task));
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
        if (ids.has(id))
          this.#report.addRepair(`A duplicate dependency on ${quote(id)} was removed.`);
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
    this.#report.addRepair(`The dependency ${quote(text)} was split into several.`);
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
    const dependency = `The dependency of ${quote(own)} on`;
    if (other === task) {
      this.#report.addRepair(`${dependency} itself was removed.`);
      return [];
    }
    if (isWithin(task, other)) {
      this.#report.addRepair(`${dependency} ${quote(id)}, which contains it, was removed.`);
      return [];
    }
    if (isWithin(other, task)) {
      this.#report.addRepair(`${dependency} its own subtask ${quote(id)} was removed.`);
      if (
        task.type !== 'aggregate' &&
        task.description !== undefined &&
        this.#options.mayAggregate
      ) {
        this.#report.addRepair(`${quote(own)} was made an aggregate, as it needs its subtasks.`);
        this.#aggregates.add(task);
      }
      return [];
    }
    return [id];
  }

  // --- References in descriptions ---

  /** The prompt, with its references in the syntax of core and all other braces escaped. */
  #descriptionOf(
    task: ParsedTask,
    dependencies: string[],
    others: readonly NamedField[],
  ): string | undefined {
    const added = others.filter(({ field: [name], named }) => {
      return named.tasks.size === 0 || !isLater(normalizeKey(name));
    });
    const description = describeWork(
      task,
      added.map(({ field }) => field),
      this.#report,
    );
    if (description === undefined) return undefined;
    this.#checkLength(description, task);
    if (!this.#doesOwnWork(task)) return description;
    const referring = this.#resolveReferences(description, task, dependencies);
    this.#addStated(description, task, dependencies);
    return rewriteMarks(referring, task, this.#resolver, (written, other) => {
      const id = this.#idOf(other);
      if (isWithin(task, other) || isWithin(other, task) || /[{}]/.test(id)) return written;
      this.#ensureDependency(id, task, dependencies);
      this.#report.addRepair(`${quote(written)} was read as "{{${id}}}".`);
      return `{{${id}}}`;
    });
  }

  #checkLength({ length }: string, task: ParsedTask): void {
    const { maxDescriptionLength } = this.#options;
    if (length <= maxDescriptionLength) return;
    const message = `has ${length} characters; the limit is ${maxDescriptionLength}`;
    this.#report.addProblem('too_long', [...task.path, 'description'], message);
  }

  /** Adds the dependencies that the text states in words, such as "the result of step 1". */
  #addStated(description: string, task: ParsedTask, dependencies: string[]): void {
    for (const text of statedReferences(description)) {
      const target = this.#resolver.find(text, task);
      if (target === undefined) {
        if (dependencies.length > 0 || !this.#resolver.isUnclearPosition(text, task)) continue;
        const message = `${quote(text)} may count the tasks from 0 or from 1; give each task an id, and list the ids in "dependencies"`;
        this.#report.addProblem('unclear', [...task.path, 'description'], message);
      } else if ('task' in target) {
        for (const id of this.#dependenciesOn(target, task)) {
          this.#ensureDependency(id, task, dependencies);
        }
      }
    }
  }

  #resolveReferences(description: string, task: ParsedTask, dependencies: string[]): string {
    return description.replace(REFERENCE, (written, source?: string) => {
      if (source === undefined) return written;
      const reference = this.#referenceTo(source.trim(), task, dependencies);
      if (reference === undefined) {
        this.#report.addRepair(`${quote(written)} was kept as plain text.`);
        return `\\${written}`;
      }
      if (reference !== source.trim()) {
        this.#report.addRepair(`${quote(written)} was read as "{{${reference}}}".`);
      }
      return `{{${reference}}}`;
    });
  }

  /** The reference in the syntax of core; undefined when the task cannot have that output. */
  #referenceTo(source: string, task: ParsedTask, dependencies: string[]): string | undefined {
    if (source.length > MAX_REFERENCE_LENGTH) return undefined;
    for (const [name, rest] of splits(source)) {
      const target = this.#resolver.find(name, task, false);
      if (target === undefined || 'allBefore' in target) continue;
      if ('existingId' in target) {
        return this.#ensureDependency(target.existingId, task, dependencies);
      }
      const { task: other } = target;
      const id = this.#idOf(other);
      if (other === task || isWithin(task, other) || /[{}]/.test(id)) return undefined;
      if (other.parent === task) return id;
      if (isWithin(other, task)) return undefined;
      const reference = this.#ensureDependency(id, task, dependencies);
      // Only the output of a group has parts: the outputs of its subtasks. Other outputs are text.
      const part = this.#doesOwnWork(other) ? undefined : this.#partOf(other, rest);
      return part === undefined ? reference : `${reference}${part}`;
    }
    return undefined;
  }

  #ensureDependency(id: string, task: ParsedTask, dependencies: string[]): string {
    if (!dependencies.includes(id)) {
      dependencies.push(id);
      const own = quote(this.#idOf(task));
      this.#report.addRepair(`${own} uses the output of ${quote(id)}, so it now depends on it.`);
    }
    return id;
  }

  #partOf(group: ParsedTask, rest: string): string | undefined {
    const name = /^\.([^.[\]"]+)/.exec(rest)?.[1]?.trim();
    const ids = group.subtasks.map((subtask) => this.#idOf(subtask));
    return name !== undefined && ids.includes(name) ? `.${name}` : undefined;
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

/** `a.b[0]` as `a.b[0]` and nothing, `a.b` and `[0]`, `a` and `.b[0]`. */
function* splits(source: string): Generator<[name: string, rest: string]> {
  for (let end = source.length; end > 0; end--) {
    const next = source[end];
    if (next !== undefined && next !== '.' && next !== '[') continue;
    yield [source.slice(0, end), source.slice(end)];
  }
}

function levelByLevel(topLevel: readonly ParsedTask[]): ParsedTask[] {
  const all = [...topLevel];
  for (const task of all) all.push(...task.subtasks);
  return all;
}

function isWithin(task: ParsedTask, outer: ParsedTask): boolean {
  for (let at = task.parent; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}

/** Whether the task itself runs. By the rule of core, a group runs only if it is an aggregate. */
export function doesOwnWork({ subtasks, description }: ParsedTask, type: TaskType): boolean {
  return subtasks.length === 0 || (type === 'aggregate' && description !== undefined);
}
