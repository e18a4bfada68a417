import type { TaskType } from '@stratagem/core';
import type { AnswerReport } from './answer-report.js';
import { assignIds } from './assign-ids.js';
import { quote } from './json-value.js';
import type { ParsedTask } from './parsed-task.js';
import {
  ReferenceResolver,
  type ReferenceTarget,
  referenceText,
  reportReading,
} from './resolve-reference.js';

/** The fields of a task after its references to other tasks are resolved. */
export interface Links {
  readonly id: string;
  /** An aggregate where the dependencies show that the task runs after its subtasks. */
  readonly type: TaskType;
  readonly dependencies: string[];
  readonly description: string | undefined;
}

/** The longest reference that core accepts. */
const MAX_REFERENCE_LENGTH = 1_000;
/** The syntax of core: `{{…}}` refers to an output, and `\{{` is text. */
const REFERENCE = /\\\{\{|\{\{([^{}]*)\}\}/g;

/**
 * Gives each task its id, and resolves the references between tasks. A reference that cannot be
 * resolved stays as it was written, so that the validation of the plan reports it.
 *
 * @param mayAggregate Whether tasks may be aggregates.
 * @param exists Whether an id belongs to a task that exists before the answer.
 */
export function linkTasks(
  topLevel: readonly ParsedTask[],
  report: AnswerReport,
  mayAggregate: boolean,
  exists: (id: string) => boolean,
): Map<ParsedTask, Links> {
  return new TaskLinker(topLevel, report, mayAggregate, exists).link();
}

class TaskLinker {
  readonly #tasks: readonly ParsedTask[];
  readonly #report: AnswerReport;
  readonly #mayAggregate: boolean;
  /** Tasks with subtasks that turned out to be aggregates. */
  readonly #aggregates = new Set<ParsedTask>();
  readonly #ids: ReadonlyMap<ParsedTask, string>;
  readonly #resolver: ReferenceResolver;

  constructor(
    topLevel: readonly ParsedTask[],
    report: AnswerReport,
    mayAggregate: boolean,
    exists: (id: string) => boolean,
  ) {
    this.#tasks = levelByLevel(topLevel);
    this.#report = report;
    this.#mayAggregate = mayAggregate;
    this.#ids = assignIds(this.#tasks, report, exists);
    this.#resolver = new ReferenceResolver(this.#tasks, exists);
  }

  link(): Map<ParsedTask, Links> {
    // All dependencies come first: they decide which tasks are aggregates.
    const dependencies = new Map(this.#tasks.map((task) => [task, this.#dependenciesOf(task)]));
    const links = new Map<ParsedTask, Links>();
    for (const [task, needed] of dependencies) {
      const description = this.#descriptionOf(task, needed);
      const type = this.#typeOf(task);
      links.set(task, { id: this.#idOf(task), type, dependencies: needed, description });
    }
    return links;
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
      const text = referenceText(given);
      const path = [...task.path, 'dependencies', position];
      if (text === undefined) {
        this.#report.addProblem('invalid_value', path, 'must be the id of a task');
      } else if (text !== '') this.#addDependency(task, given, text, ids);
    }
    return [...ids];
  }

  #addDependency(task: ParsedTask, given: unknown, text: string, ids: Set<string>): void {
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
    const parts = text.split(/\s*[,;&]\s*|\s+and\s+/).filter((part) => part !== '');
    const targets = parts.map((part) => this.#resolver.find(part, task));
    if (parts.length < 2 || targets.includes(undefined)) {
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
      if (task.type !== 'aggregate' && task.description !== undefined && this.#mayAggregate) {
        this.#report.addRepair(`${quote(own)} was made an aggregate, as it needs its subtasks.`);
        this.#aggregates.add(task);
      }
      return [];
    }
    return [id];
  }

  // --- References in descriptions ---

  /** The prompt, with its references in the syntax of core and all other braces escaped. */
  #descriptionOf(task: ParsedTask, dependencies: string[]): string | undefined {
    const { description } = task;
    if (!description?.includes('{{') || !this.#doesOwnWork(task)) return description;
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
