import type { TaskType } from '@stratagem/core';
import type { AnswerReport } from './answer-report.js';
import { describeWork } from './describe-work.js';
import { isLater } from './field-names.js';
import { normalizeKey, quote, quoteName } from './json-value.js';
import type { NamedTasks } from './named-tasks.js';
import { doesOwnWork, isWithin, type ParsedTask } from './parsed-task.js';
import { REPAIRS } from './repairs.js';
import type { ReferenceResolver, ReferenceTarget } from './resolve-reference.js';
import type { NamedValue } from './task-fields.js';
import { rewriteMarks, statedReferences } from './text-references.js';

/** A field of unknown meaning, and the tasks that it names. */
export interface NamedField {
  readonly field: NamedValue;
  readonly named: NamedTasks;
}

/** What the descriptions of tasks take from the links between the tasks. */
interface DescriptionOptions {
  readonly report: AnswerReport;
  readonly maxDescriptionLength: number;
  readonly idOf: (task: ParsedTask) => string;
  readonly typeOf: (task: ParsedTask) => TaskType;
  /** The ids that a dependency on a task adds; none where it is impossible. */
  readonly dependenciesOn: (target: ReferenceTarget, task: ParsedTask) => string[];
}

/** The longest reference that core accepts. */
const MAX_REFERENCE_LENGTH = 1_000;
/** The syntax of core: `{{…}}` refers to an output, and `\{{` is text. */
const REFERENCE = /\\\{\{|\{\{([^{}]*)\}\}/g;

/** Completes the descriptions of tasks, and resolves the references inside. */
export class DescriptionLinker {
  readonly #resolver: ReferenceResolver;
  readonly #options: DescriptionOptions;

  constructor(resolver: ReferenceResolver, options: DescriptionOptions) {
    this.#resolver = resolver;
    this.#options = options;
  }

  /** The prompt, with its references in the syntax of core and all other braces escaped. */
  link(
    task: ParsedTask,
    dependencies: string[],
    others: readonly NamedField[],
  ): string | undefined {
    const added = others.filter(({ field: [name], named }) => {
      if (named.tasks.size === 0 || !isLater(normalizeKey(name))) return true;
      this.#options.report.addRepair(REPAIRS.fieldIgnored(quoteName(name)));
      return false;
    });
    const description = describeWork(
      task,
      added.map(({ field }) => field),
      this.#options.report,
    );
    if (description === undefined) return undefined;
    this.#checkLength(description, task);
    if (!this.#doesOwnWork(task)) return description;
    const referring = this.#resolveReferences(description, task, dependencies);
    this.#addStated(description, task, dependencies);
    return rewriteMarks(referring, task, this.#resolver, (written, other) => {
      const id = this.#options.idOf(other);
      if (isWithin(task, other) || isWithin(other, task) || /[{}]/.test(id)) return written;
      this.#ensureDependency(id, task, dependencies);
      this.#options.report.addRepair(REPAIRS.referenceRead(quote(written), id));
      return `{{${id}}}`;
    });
  }

  #checkLength({ length }: string, task: ParsedTask): void {
    const { maxDescriptionLength } = this.#options;
    if (length <= maxDescriptionLength) return;
    const message = `has ${length} characters; the limit is ${maxDescriptionLength}`;
    this.#options.report.addProblem('too_long', [...task.path, 'description'], message);
  }

  /** Adds the dependencies that the text states in words, such as "the result of step 1". */
  #addStated(description: string, task: ParsedTask, dependencies: string[]): void {
    for (const text of statedReferences(description)) {
      const target = this.#resolver.find(text, task);
      if (target === undefined) {
        if (dependencies.length > 0 || !this.#resolver.isUnclearPosition(text, task)) continue;
        const message = `${quote(text)} may count the tasks from 0 or from 1; give each task an id, and list the ids in "dependencies"`;
        this.#options.report.addProblem('unclear', [...task.path, 'description'], message);
      } else if ('task' in target) {
        for (const id of this.#options.dependenciesOn(target, task)) {
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
        this.#options.report.addRepair(REPAIRS.referenceKept(quote(written)));
        return `\\${written}`;
      }
      if (reference !== source.trim()) {
        this.#options.report.addRepair(REPAIRS.referenceRead(quote(written), reference));
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
      const id = this.#options.idOf(other);
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
      const own = quote(this.#options.idOf(task));
      this.#options.report.addRepair(REPAIRS.needAdded(own, quote(id)));
    }
    return id;
  }

  #partOf(group: ParsedTask, rest: string): string | undefined {
    const name = /^\.([^.[\]"]+)/.exec(rest)?.[1]?.trim();
    const ids = group.subtasks.map((subtask) => this.#options.idOf(subtask));
    return name !== undefined && ids.includes(name) ? `.${name}` : undefined;
  }

  #doesOwnWork(task: ParsedTask): boolean {
    return doesOwnWork(task, this.#options.typeOf(task));
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
