import { type Notes, quote } from './answer-report.js';
import type { Draft } from './parsed-task.js';

/** What a reference means: a task of the answer, one that is there already, or all before this one. */
export type Meant =
  | { readonly draft: Draft }
  | { readonly outside: string }
  | { readonly allBefore: true };

/** The words in which models say that a task needs nothing, or everything before it. */
const NOTHING = /^(none|nothing|null|nil|n\/?a|no dependencies|-|–|—)?$/i;
const ALL =
  /^(all|every|each)( of)?( the)?( (previous|prior|preceding|above|other|earlier))*( (tasks?|steps?))?$/i;
const PREVIOUS = /^(the )?(previous|prior|preceding)( (task|step))?$/i;
const POSITION = /^(?:the )?(?:task|step|subtask|t|s|no\.?|nr\.?)?[\s_#:-]*(\d{1,6})$/i;

/** Finds out which task a model means, whatever way it has of saying so. */
export class Resolver {
  readonly #lists = new Map<readonly Draft[] | undefined, Index>();
  readonly #all: Index;
  readonly #isOutside: (id: string) => boolean;

  /** @param isOutside Whether an id is that of a task that is there already. */
  constructor(drafts: readonly Draft[], isOutside: (id: string) => boolean) {
    this.#all = new Index(drafts);
    this.#isOutside = isOutside;
  }

  /**
   * The task that is meant by a text or number in a task of the answer; undefined when that is not
   * plain. Nearer tasks come first: those of the same list, then those of the lists around it.
   *
   * @param inProse Whether a description may be meant, a number be a position, and "all" be all.
   */
  find(given: string, from: Draft, inProse = true): Meant | undefined {
    const text = given.trim().replace(/\s+/g, ' ');
    const scopes = this.#scopesOf(from);
    for (const scope of scopes) {
      const draft = scope.byId.get(text);
      if (draft !== undefined) return { draft };
    }
    if (this.#isOutside(text)) return { outside: text };
    for (const scope of scopes) {
      const draft = scope.near(text, inProse);
      if (draft !== undefined) return { draft };
    }
    if (!inProse) return undefined;
    const before = from.siblings.slice(0, from.siblings.indexOf(from));
    if (ALL.test(text) && before.length > 0) return { allBefore: true };
    if (PREVIOUS.test(text)) return asMeant(before.at(-1));
    const at = this.#listOf(from).at(text);
    // Who counts otherwise than we do does not mean the task itself.
    return at === from ? undefined : asMeant(at);
  }

  #scopesOf(from: Draft): Index[] {
    const scopes: Index[] = [];
    for (let at: Draft | undefined = from; at !== undefined; at = at.parent) {
      scopes.push(this.#listOf(at));
    }
    return [...scopes, this.#all];
  }

  #listOf({ siblings }: Draft): Index {
    const known = this.#lists.get(siblings);
    if (known !== undefined) return known;
    const index = new Index(siblings);
    this.#lists.set(siblings, index);
    return index;
  }
}

function asMeant(draft: Draft | undefined): Meant | undefined {
  return draft && { draft };
}

/** Several drafts have this name. */
const AMBIGUOUS = Symbol('ambiguous');

/** Drafts by what they may be called. */
class Index {
  readonly byId = new Map<string, Draft>();
  readonly #near: readonly Map<string, Draft | typeof AMBIGUOUS>[];
  readonly #drafts: readonly Draft[];
  /** Who speaks of a position 0 counts from there. */
  readonly #first: 0 | 1;

  constructor(drafts: readonly Draft[]) {
    this.#drafts = drafts;
    const isZero = (need: unknown) => referenceText(need) === '0';
    this.#first = drafts.some(({ needs }) => needs.some(isZero)) ? 0 : 1;
    const near = [new Map(), new Map(), new Map()] as const;
    for (const draft of drafts) {
      const { writtenId, title, description } = draft;
      if (writtenId !== undefined && !this.byId.has(writtenId)) this.byId.set(writtenId, draft);
      for (const [map, name] of [
        [near[0], writtenId],
        [near[1], title],
        [near[2], description],
      ] as const) {
        if (name === undefined) continue;
        const key = nameKey(name);
        map.set(key, map.has(key) && map.get(key) !== draft ? AMBIGUOUS : draft);
      }
    }
    this.#near = near;
  }

  /** By id, title or perhaps description, but for case, spaces and separators. */
  near(text: string, byDescription: boolean): Draft | undefined {
    const key = nameKey(text);
    if (key === '') return undefined;
    for (const map of byDescription ? this.#near : this.#near.slice(0, 2)) {
      const draft = map.get(key);
      if (draft === AMBIGUOUS) return undefined;
      if (draft !== undefined) return draft;
    }
    return undefined;
  }

  /** By position, unless the ids have numbers of their own. */
  at(text: string): Draft | undefined {
    const number = POSITION.exec(text)?.[1];
    if (number === undefined) return undefined;
    const numbered = this.#drafts.filter(({ writtenId = '' }) => /\d+$/.test(writtenId));
    if (numbered.length === 0) return this.#drafts[Number(number) - this.#first];
    const same = numbered.filter(({ writtenId = '' }) => {
      return Number(/\d+$/.exec(writtenId)?.[0]) === Number(number);
    });
    return same.length === 1 ? same[0] : undefined;
  }
}

/** A name without case, spaces and separators; letters of every script count. */
function nameKey(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** A reference as text; undefined when it is nothing that could be one, '' when it says "nothing". */
export function referenceText(given: unknown): string | undefined {
  if (typeof given === 'object' && given !== null) {
    const id = inside(given);
    return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
  }
  if (given === null || given === undefined || given === false) return '';
  if (typeof given === 'number') return String(given);
  if (typeof given !== 'string') return undefined;
  return NOTHING.test(given.trim()) ? '' : given;
}

/** `{ "id": "research" }`, `{ "task": "research" }` */
function inside(given: object): unknown {
  for (const [name, value] of Object.entries(given)) {
    if (/^(id|task_?id|task|ref|name|step)$/i.test(name)) return value;
  }
  return undefined;
}

/** Says what a reference was taken for, when it was not written as an id. */
export function sayReading(given: unknown, text: string, id: string, notes: Notes): void {
  if (given === id) return;
  if (text === id) notes.mended('Ids in dependencies that were no texts were made texts.');
  else notes.mended(`The dependency ${quote(text)} was read as ${quote(id)}.`);
}
