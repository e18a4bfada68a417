import type { TaskType } from '@stratagem/core';
import type { PlannerSettings } from '../options/planner-options.js';
import { type AnswerPath, asText, type Notes, quote } from './answer-report.js';
import { isEmpty, isJson, plain } from './find-task-list.js';
import { typeOf } from './task-type.js';

/** One task of an answer: its fields by their meaning, before what it says of others is resolved. */
export interface Draft {
  readonly path: AnswerPath;
  /** Undefined at the top. */
  readonly parent: Draft | undefined;
  /** The list that it stands in. */
  readonly siblings: readonly Draft[];
  /** As it was written; undefined when the task has none. */
  readonly writtenId: string | undefined;
  /** What the task is called besides. */
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly type: TaskType;
  /** What it says it depends on, in whatever form. */
  readonly needs: readonly unknown[];
  readonly tools: readonly string[];
  readonly model: string | undefined;
  readonly subtasks: readonly Draft[];
}

type Field =
  | 'id'
  | 'title'
  | 'description'
  | 'type'
  | 'dependencies'
  | 'subtasks'
  | 'tools'
  | 'model';

/** What models call the fields of a task, without case and separators. The first is the best. */
const NAMES: Readonly<Record<Field, readonly string[]>> = {
  id: ['id', 'taskid', 'stepid', 'identifier', 'key', 'number', 'tasknumber', 'stepnumber', 'step'],
  title: ['title', 'name', 'label', 'taskname'],
  description: [
    ...['description', 'desc', 'prompt', 'instruction', 'instructions', 'task', 'details'],
    ...['detail', 'objective', 'content', 'text', 'query', 'summary', 'goal', 'action'],
  ],
  type: ['type', 'tasktype', 'kind', 'category'],
  dependencies: [
    ...['dependencies', 'dependson', 'dependency', 'depends', 'deps', 'requires', 'required'],
    ...['prerequisites', 'prerequisite', 'prereqs', 'needs', 'after', 'blockedby', 'predecessors'],
    ...['dependenton', 'upstream', 'waitson'],
  ],
  subtasks: ['subtasks', 'children', 'substeps', 'steps', 'tasks', 'childtasks'],
  tools: ['tools', 'tool', 'toolnames', 'toolname'],
  model: ['model', 'modelname'],
};

/** Of the names of a description, those that say more than one beside them. */
const DETAILS = ['prompt', 'instruction', 'instructions', 'details', 'detail', 'query', 'content'];

/** Fields that change what a run does: a plan without them would be another plan. */
const FORBIDDEN = ['run', 'when', 'foreach', 'waitfor', 'outputschema', 'condition', 'loop', 'if'];

/** The longest id of a task, in characters. */
export const MAX_ID = 100;

/** Reads tasks as a model wrote them, with as many as the limits allow. */
export class DraftReader {
  readonly #notes: Notes;
  readonly #settings: PlannerSettings;
  /** How many tasks have been read. */
  count = 0;

  constructor(notes: Notes, settings: PlannerSettings) {
    this.#notes = notes;
    this.#settings = settings;
  }

  readList(list: readonly unknown[], path: AnswerPath, parent?: Draft): Draft[] {
    const { maxSubtasks, maxTasks } = this.#settings;
    const drafts: Draft[] = [];
    const written = new Set<string>();
    for (const [position, value] of list.entries()) {
      const at = [...path, position];
      if (!isJson(value)) {
        const message = 'must be an object with an id and a description';
        this.#notes.wrong('invalid_value', at, message);
        continue;
      }
      if (isRepeated(value, written)) {
        this.#notes.mended(`Task ${position + 1} was written twice, and was taken once.`);
        continue;
      }
      if (drafts.length >= maxSubtasks) {
        const message = `has ${list.length} tasks, more than the ${maxSubtasks} that are allowed`;
        this.#notes.wrong('too_many_tasks', path, message);
        break;
      }
      if (++this.count > maxTasks) {
        const message = `there are more than the ${maxTasks} tasks that a plan may have`;
        this.#notes.wrong('too_many_tasks', ['tasks'], message);
        break;
      }
      drafts.push(this.#read(value, at, parent, drafts));
    }
    return drafts;
  }

  #read(
    value: Readonly<Record<string, unknown>>,
    path: AnswerPath,
    parent: Draft | undefined,
    siblings: readonly Draft[],
  ): Draft {
    const fields = this.#fieldsOf(value, path);
    const title = this.#text(fields.get('title'), [...path, 'title']);
    const writtenId = this.#id(fields.get('id'), [...path, 'id']);
    const draft = {
      ...{ path, parent, siblings, writtenId, title },
      description: this.#description(fields.get('description'), title, path),
      type: typeOf(fields.get('type'), [...path, 'type'], this.#settings, this.#notes),
      needs: this.#needs(fields.get('dependencies')),
      tools: this.#tools(fields.get('tools'), [...path, 'tools']),
      model: this.#model(fields.get('model'), [...path, 'model']),
      subtasks: [] as Draft[],
    };
    const subtasks = fields.get('subtasks');
    if (writtenId === undefined && draft.description === undefined) {
      this.#notes.wrong('invalid_value', path, 'must be an object with an id and a description');
    }
    if (!isEmpty(subtasks)) draft.subtasks.push(...this.#subtasks(subtasks, draft));
    return draft;
  }

  /** The fields by their meaning; says what was taken for what, and what was left out. */
  #fieldsOf(value: object, path: AnswerPath): Map<Field, unknown> {
    const given = new Map<Field, [name: string, value: unknown][]>();
    for (const [name, content] of this.#entriesOf(value)) {
      if (isEmpty(content)) continue;
      const field = fieldOf(plain(name), content);
      if (field === undefined) this.#leaveOut(name, path);
      else given.set(field, [...(given.get(field) ?? []), [name, content]]);
    }
    const fields = new Map<Field, unknown>();
    for (const [field, ways] of given) {
      const rank = ([name]: [string, unknown]) => NAMES[field].indexOf(plain(name));
      const [best, ...others] = ways.sort((one, other) => rank(one) - rank(other));
      const [name, content] = best as [string, unknown];
      if (name !== field && field !== 'title') {
        this.#notes.mended(`"${shown(name)}" was read as "${field}".`);
      }
      fields.set(
        field,
        others.reduce((all, [other, more]) => this.#both(field, all, other, more), content),
      );
    }
    if (fields.has('title') && fields.has('id') && fields.has('description')) {
      this.#notes.mended('Titles of tasks were left out beside their descriptions.');
    }
    return fields;
  }

  /** What two fields of one meaning say together: nothing of what is to be done gets lost. */
  #both(field: Field, first: unknown, name: string, second: unknown): unknown {
    const isDetail = DETAILS.includes(plain(name)) && typeof second === 'string';
    if (field === 'description' && isDetail && typeof first === 'string') {
      if (first.includes(second.trim())) return first;
      this.#notes.mended(`"${shown(name)}" was added to "${field}".`);
      return `${first}\n\n${second}`;
    }
    if (field === 'dependencies' || field === 'subtasks' || field === 'tools') {
      this.#notes.mended(`"${shown(name)}" was added to "${field}".`);
      return [...listOf(first), ...listOf(second)];
    }
    this.#notes.mended(`"${shown(name)}" was left out beside "${field}".`);
    return first;
  }

  /** Its entries, with what a plan of ours has in the metadata of a task among them. */
  #entriesOf(value: object): [string, unknown][] {
    return Object.entries(value).flatMap(([name, content]): [string, unknown][] => {
      const isChoice = name === 'metadata' && Object.keys(this.#settings.models).length > 0;
      if (!isChoice || !isJson(content) || Object.keys(content).join() !== 'model') {
        return [[name, content]];
      }
      return [['model', content.model]];
    });
  }

  #leaveOut(name: string, path: AnswerPath): void {
    if (FORBIDDEN.includes(plain(name))) {
      const message =
        'is nothing that your plan may have: each task is done once, by a model, when its ' +
        'dependencies are done; say what is to be done in its description';
      this.#notes.wrong('forbidden_field', [...path, shown(name)], message);
    } else this.#notes.mended(`"${shown(name)}" was left out: a task of a plan has no such field.`);
  }

  #text(value: unknown, path: AnswerPath): string | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
    this.#notes.wrong('invalid_value', path, 'must be a text');
    return undefined;
  }

  #id(value: unknown, path: AnswerPath): string | undefined {
    if (typeof value === 'number') {
      this.#notes.mended('Ids that were numbers were made texts.');
    }
    const id = this.#text(value, path)?.replace(/\s+/g, ' ');
    if (id === undefined || id.length <= MAX_ID) return id;
    this.#notes.wrong('too_long', path, `must be a short name, ${MAX_ID} characters at most`);
    return undefined;
  }

  #description(value: unknown, title: string | undefined, path: AnswerPath): string | undefined {
    const lines = Array.isArray(value) && value.every((line) => typeof line === 'string');
    const text = this.#text(lines ? (value as string[]).join('\n') : value, [
      ...path,
      'description',
    ]);
    const { maxDescriptionLength } = this.#settings;
    if (text !== undefined && text.length > maxDescriptionLength) {
      const message = `has ${text.length} characters; it may have ${maxDescriptionLength}`;
      this.#notes.wrong('too_long', [...path, 'description'], message);
    }
    if (text !== undefined || title === undefined) return text;
    this.#notes.mended('Titles of tasks without a description were taken as descriptions.');
    return title;
  }

  #needs(value: unknown): readonly unknown[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.#notes.mended('Dependencies that were no list were made lists.');
    if (!isJson(value) || 'id' in value) return [value];
    return Object.entries(value).flatMap(([id, isNeeded]) => (isEmpty(isNeeded) ? [] : id));
  }

  #tools(value: unknown, path: AnswerPath): string[] {
    if (value === undefined) return [];
    const known = this.#settings.tools.map(({ name }) => name);
    const names: string[] = [];
    for (const [position, given] of (Array.isArray(value) ? value : [value]).entries()) {
      const name: unknown = isJson(given) ? given.name : given;
      if (isEmpty(name) || (typeof name === 'string' && /^(none|n\/a|null)$/i.test(name))) continue;
      const same = known.find((each) => plain(each) === plain(asText(name)));
      if (same === undefined) {
        const are = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
        const message = `there is no tool ${quote(asText(name))}; ${are}`;
        this.#notes.wrong('unknown_tool', [...path, position], message);
      } else if (!names.includes(same)) {
        if (same !== name) {
          this.#notes.mended(`The tool ${quote(asText(name))} was read as "${same}".`);
        }
        names.push(same);
      } else this.#notes.mended(`The tool "${same}" was listed twice for a task.`);
    }
    return names;
  }

  #model(value: unknown, path: AnswerPath): string | undefined {
    if (value === undefined) return undefined;
    const known = Object.keys(this.#settings.models);
    if (known.length === 0) {
      this.#notes.mended('"model" was left out: a plan has no say in it.');
      return undefined;
    }
    const model = known.find((name) => plain(name) === plain(asText(value)));
    if (model !== undefined) return model;
    const message = `there is no model ${quote(asText(value))}; there are ${known.join(', ')}`;
    this.#notes.wrong('unknown_model', path, message);
    return undefined;
  }

  #subtasks(value: unknown, parent: Draft): Draft[] {
    const path = [...parent.path, 'subtasks'];
    if (!Array.isArray(value)) {
      this.#notes.wrong('invalid_value', path, 'must be a list of tasks');
      return [];
    }
    const { maxDepth } = this.#settings;
    if (depthOf(parent) < maxDepth) return this.readList(value, path, parent);
    const message = `nests deeper than the ${maxDepth} levels that are allowed`;
    this.#notes.wrong('too_deep', path, message);
    return [];
  }
}

/** Names of fields come from the answer, and may have any length. */
function shown(name: string): string {
  return name.length <= 40 ? name : `${name.slice(0, 40)}…`;
}

/** 1 at the top. */
function depthOf({ parent }: Draft): number {
  return parent === undefined ? 1 : depthOf(parent) + 1;
}

function isRepeated(value: object, written: Set<string>): boolean {
  const json = JSON.stringify(value);
  if (written.has(json)) return true;
  written.add(json);
  return false;
}

/** What a field means; some names mean a text or something else, by what they hold. */
function fieldOf(key: string, value: unknown): Field | undefined {
  const isShort = typeof value === 'number' || (typeof value === 'string' && value.length <= 20);
  if (key === 'step' && !isShort) return typeof value === 'string' ? 'description' : undefined;
  if (key === 'steps' && isListOfTexts(value)) return undefined;
  const fields = Object.keys(NAMES) as Field[];
  return fields.find((field) => NAMES[field].includes(key));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
