import type { TaskType } from '@stratagem/core';
import { type Notes, quote } from './answer-report.js';
import { type Draft, MAX_ID } from './parsed-task.js';
import { type Meant, Resolver, referenceText, sayReading } from './resolve-reference.js';

/** What a task of an answer says of others, by their final ids. */
export interface Connected {
  readonly id: string;
  /** An aggregate where what it depends on says so. */
  readonly type: TaskType;
  readonly dependencies: string[];
  readonly description: string | undefined;
}

/** Longer text between braces is no reference, for core either. */
const MAX_REFERENCE = 1_000;
/** `{{…}}` that stands for an output, and `\{{` for braces that are text, as core reads them. */
const PLACEHOLDER = /\\\{\{|\{\{([^{}]*)\}\}/g;

/**
 * Gives each task its id, and resolves what tasks say of each other. What cannot be resolved stays
 * as it was written, for the checks of plans to report.
 *
 * @param mayAggregate Whether tasks may be aggregates.
 * @param isOutside Whether an id is that of a task that is there already.
 */
export function connect(
  top: readonly Draft[],
  notes: Notes,
  mayAggregate: boolean,
  isOutside: (id: string) => boolean,
): Map<Draft, Connected> {
  return new Connector(top, notes, mayAggregate, isOutside).connect();
}

class Connector {
  readonly #drafts: readonly Draft[];
  readonly #notes: Notes;
  readonly #mayAggregate: boolean;
  readonly #isOutside: (id: string) => boolean;
  /** Those that said that they are done after their subtasks. */
  readonly #aggregates = new Set<Draft>();
  readonly #ids: Map<Draft, string>;
  readonly #resolver: Resolver;

  constructor(
    top: readonly Draft[],
    notes: Notes,
    mayAggregate: boolean,
    isOutside: (id: string) => boolean,
  ) {
    this.#drafts = levelByLevel(top);
    this.#notes = notes;
    this.#mayAggregate = mayAggregate;
    this.#isOutside = isOutside;
    this.#ids = this.#assignIds();
    this.#resolver = new Resolver(this.#drafts, isOutside);
  }

  connect(): Map<Draft, Connected> {
    const dependencies = new Map(
      this.#drafts.map((draft) => [draft, this.#dependenciesOf(draft)] as const),
    );
    const connected = new Map<Draft, Connected>();
    for (const [draft, needed] of dependencies) {
      const description = this.#descriptionOf(draft, needed);
      const type = this.#typeOf(draft);
      connected.set(draft, { id: this.#idOf(draft), type, dependencies: needed, description });
    }
    return connected;
  }

  #typeOf(draft: Draft): TaskType {
    return this.#aggregates.has(draft) ? 'aggregate' : draft.type;
  }

  #doesOwnWork(draft: Draft): boolean {
    return doesOwnWork(draft, this.#typeOf(draft));
  }

  #idOf(draft: Draft): string {
    return this.#ids.get(draft) as string;
  }

  /** Outer tasks first: it is nested lists that begin to count anew. */
  #assignIds(): Map<Draft, string> {
    const owners = new Map<string, Draft>();
    const written = new Set(this.#drafts.map(({ writtenId }) => writtenId));
    const ids = new Map<Draft, string>();
    for (const draft of this.#drafts) {
      const { writtenId, title, parent, siblings } = draft;
      const position = siblings.indexOf(draft) + 1;
      const shortTitle = title !== undefined && title.length <= MAX_ID ? title : undefined;
      let id = writtenId ?? shortTitle ?? `task-${position}`;
      if (writtenId === undefined) this.#notes.mended('Tasks without an id were given one.');
      const owner = owners.get(id);
      const isTaken =
        writtenId === undefined
          ? written.has(id)
          : owner !== undefined && owner.siblings !== siblings;
      if (isTaken || (writtenId === undefined && owner !== undefined)) {
        const above = parent === undefined ? '' : `${ids.get(parent)}.`;
        const free = `${above}${id}`;
        id = owners.has(free) || written.has(free) ? `${free}-${position}` : free;
        if (writtenId !== undefined) {
          this.#notes.mended(
            `The id ${quote(writtenId)} was used at two levels; the inner one is now ${quote(id)}.`,
          );
        }
      }
      if (this.#isOutside(id)) {
        const message = `the id ${quote(id)} is already used by another task; ids must be unique`;
        this.#notes.wrong('duplicate_id', [...draft.path, 'id'], message);
      }
      if (!owners.has(id)) owners.set(id, draft);
      ids.set(draft, id);
    }
    return ids;
  }

  #dependenciesOf(draft: Draft): string[] {
    const found = new Set<string>();
    for (const [position, given] of draft.needs.entries()) {
      const text = referenceText(given);
      const path = [...draft.path, 'dependencies', position];
      if (text === undefined) {
        this.#notes.wrong('invalid_value', path, 'must be the id of a task');
      } else if (text !== '') this.#addDependency(draft, given, text, found);
    }
    return [...found];
  }

  #addDependency(draft: Draft, given: unknown, text: string, found: Set<string>): void {
    const meant = this.#resolver.find(text, draft);
    if (meant !== undefined) {
      for (const id of this.#idsOf(meant, draft)) {
        sayReading(given, text, id, this.#notes);
        if (found.has(id)) this.#notes.mended(`A dependency on ${quote(id)} was written twice.`);
        found.add(id);
      }
      return;
    }
    const parts = text.split(/\s*[,;&]\s*|\s+and\s+/).filter((part) => part !== '');
    const each = parts.map((part) => this.#resolver.find(part, draft));
    if (parts.length < 2 || each.includes(undefined)) {
      found.add(text); // Said to be unknown by the checks of plans, with what may have been meant.
      return;
    }
    this.#notes.mended(`The dependency ${quote(text)} was read as several.`);
    for (const one of each) for (const id of this.#idsOf(one as Meant, draft)) found.add(id);
  }

  /** What a task waits for when it says so; nothing where it could not wait, or would not. */
  #idsOf(meant: Meant, draft: Draft): string[] {
    if ('outside' in meant) return [meant.outside];
    if ('allBefore' in meant) {
      const before = draft.siblings.slice(0, draft.siblings.indexOf(draft));
      return before.map((each) => this.#idOf(each));
    }
    const [id, own] = [this.#idOf(meant.draft), this.#idOf(draft)];
    if (meant.draft === draft) {
      this.#notes.mended(`Task ${quote(own)} was said to depend on itself, which was left out.`);
      return [];
    }
    if (isWithin(draft, meant.draft)) {
      const why = `${quote(id)}, which it is a part of`;
      this.#notes.mended(`Task ${quote(own)} was said to depend on ${why}; that was left out.`);
      return [];
    }
    if (isWithin(meant.draft, draft)) {
      const why = `its own subtask ${quote(id)}, as it does anyway`;
      this.#notes.mended(`Task ${quote(own)} was said to depend on ${why}.`);
      if (draft.type !== 'aggregate' && draft.description !== undefined && this.#mayAggregate) {
        this.#notes.mended(
          `Task ${quote(own)}, which is done after its subtasks, is an aggregate.`,
        );
        this.#aggregates.add(draft);
      }
      return [];
    }
    return [id];
  }

  /** The prompt with the references in it as core wants them, and all other braces as text. */
  #descriptionOf(draft: Draft, dependencies: string[]): string | undefined {
    const { description } = draft;
    if (!description?.includes('{{') || !this.#doesOwnWork(draft)) return description;
    return description.replace(PLACEHOLDER, (written, source?: string) => {
      if (source === undefined) return written;
      const reference = this.#referenceTo(source.trim(), draft, dependencies);
      if (reference === undefined) {
        this.#notes.mended(`The braces of ${quote(written)} were taken as text.`);
        return `\\${written}`;
      }
      if (reference !== source.trim()) {
        this.#notes.mended(`${quote(written)} was read as "{{${reference}}}".`);
      }
      return `{{${reference}}}`;
    });
  }

  /** A place in the outputs that the task is given; undefined when there is no such place. */
  #referenceTo(source: string, draft: Draft, dependencies: string[]): string | undefined {
    if (source.length > MAX_REFERENCE) return undefined;
    for (const [name, rest] of splits(source)) {
      const meant = this.#resolver.find(name, draft, false);
      if (meant === undefined || 'allBefore' in meant) continue;
      if ('outside' in meant) return this.#depend(meant.outside, draft, dependencies);
      const { draft: other } = meant;
      const id = this.#idOf(other);
      if (other === draft || isWithin(draft, other) || /[{}]/.test(id)) return undefined;
      if (other.parent === draft) return id;
      if (isWithin(other, draft)) return undefined;
      const place = this.#depend(id, draft, dependencies);
      // Only a group's output has parts: those of its subtasks. All else is text.
      const part = this.#doesOwnWork(other) ? undefined : this.#partOf(other, rest);
      return part === undefined ? place : `${place}${part}`;
    }
    return undefined;
  }

  #depend(id: string, draft: Draft, dependencies: string[]): string {
    if (!dependencies.includes(id)) {
      dependencies.push(id);
      const own = quote(this.#idOf(draft));
      this.#notes.mended(`${quote(id)} was added to what ${own} depends on, as its text uses it.`);
    }
    return id;
  }

  #partOf(group: Draft, rest: string): string | undefined {
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

function levelByLevel(top: readonly Draft[]): Draft[] {
  const all = [...top];
  for (const draft of all) all.push(...draft.subtasks);
  return all;
}

function isWithin(draft: Draft, outer: Draft): boolean {
  for (let at = draft.parent; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}

/** Whether a task is done itself, as core has it: a group is only its subtasks, unless an aggregate. */
export function doesOwnWork({ subtasks, description }: Draft, type: TaskType): boolean {
  return subtasks.length === 0 || (type === 'aggregate' && description !== undefined);
}
