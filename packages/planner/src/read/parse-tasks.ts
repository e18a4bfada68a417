import type { PlannerSettings } from '../options/planner-options.js';
import type { AnswerPath, AnswerReport } from './answer-report.js';
import {
  isEmpty,
  isJsonObject,
  isUnreadable,
  type JsonObject,
  normalizeKey,
  quote,
  toText,
} from './json-value.js';
import { MAX_ID_LENGTH, type ParsedTask } from './parsed-task.js';
import { referenceText } from './reference-text.js';
import { REPAIRS } from './repairs.js';
import { type NamedValue, readTaskFields } from './task-fields.js';
import { readTaskType } from './task-type.js';

const NO_TASK = 'must be an object with an id and a description';

/** Parses the tasks of an answer, within the limits of the settings. */
export function parseTasks(
  list: readonly unknown[],
  settings: PlannerSettings,
  report: AnswerReport,
): ParsedTask[] {
  return new TaskParser(settings, report).parseList(list, ['tasks']);
}

class TaskParser {
  readonly #settings: PlannerSettings;
  readonly #report: AnswerReport;
  #count = 0;

  constructor(settings: PlannerSettings, report: AnswerReport) {
    this.#settings = settings;
    this.#report = report;
  }

  parseList(list: readonly unknown[], path: AnswerPath, parent?: ParsedTask): ParsedTask[] {
    const { maxSubtasks, maxTasks } = this.#settings;
    const tasks: ParsedTask[] = [];
    const seen = new Set<string>();
    for (const [position, value] of list.entries()) {
      const at = [...path, position];
      if (!isJsonObject(value)) {
        this.#report.addProblem('invalid_value', at, NO_TASK);
        continue;
      }
      const json = JSON.stringify(value);
      if (seen.has(json)) {
        this.#report.addRepair(REPAIRS.duplicateTask(`${position + 1}`));
        continue;
      }
      seen.add(json);
      if (tasks.length >= maxSubtasks) {
        const message = `has ${list.length} tasks, more than the limit of ${maxSubtasks}`;
        this.#report.addProblem('too_many_tasks', path, message);
        break;
      }
      if (++this.#count > maxTasks) {
        const message = `the plan has more tasks than the limit of ${maxTasks}`;
        this.#report.addProblem('too_many_tasks', ['tasks'], message);
        break;
      }
      tasks.push(this.#parse(value, at, parent, tasks));
    }
    return tasks;
  }

  #parse(
    value: JsonObject,
    path: AnswerPath,
    parent: ParsedTask | undefined,
    siblings: readonly ParsedTask[],
  ): ParsedTask {
    const read = readTaskFields(value, path, this.#settings, this.#report);
    const fields = read.known;
    const title = this.#parseText(fields.get('title'), [...path, 'title']);
    const writtenId = this.#parseId(fields.get('id'), [...path, 'id']);
    const task = {
      ...{ path, parent, siblings, writtenId, title },
      aliases: read.aliases.map((alias) => toText(alias)),
      description: this.#parseDescription(fields.get('description'), title, path),
      type: readTaskType(fields.get('type'), [...path, 'type'], this.#settings, this.#report),
      needs: this.#parseNeeds(fields.get('dependencies')),
      statesDependencies: read.statesDependencies,
      moreTexts: read.moreTexts,
      others: [...toolInputs(fields.get('tools')), ...read.others],
      orders: read.orders,
      tools: this.#parseTools(fields.get('tools'), [...path, 'tools']),
      model: this.#parseModel(fields.get('model'), [...path, 'model']),
      subtasks: [] as ParsedTask[],
    };
    const subtasks = fields.get('subtasks');
    if (writtenId === undefined && task.description === undefined) {
      this.#report.addProblem('invalid_value', path, NO_TASK);
    }
    if (!isEmpty(subtasks)) task.subtasks.push(...this.#parseSubtasks(subtasks, task));
    return task;
  }

  #parseText(value: unknown, path: AnswerPath): string | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
    this.#report.addProblem('invalid_value', path, 'must be a string');
    return undefined;
  }

  #parseId(value: unknown, path: AnswerPath): string | undefined {
    if (typeof value === 'number') {
      this.#report.addRepair(REPAIRS.idConverted());
    }
    const id = this.#parseText(value, path)?.replace(/\s+/g, ' ');
    if (id === undefined) return undefined;
    if (isUnreadable(id)) {
      const message = 'must not contain control characters or lone surrogates';
      this.#report.addProblem('invalid_value', path, message);
      return undefined;
    }
    if (id.length <= MAX_ID_LENGTH) return id;
    const message = `must be a short name of at most ${MAX_ID_LENGTH} characters`;
    this.#report.addProblem('too_long', path, message);
    return undefined;
  }

  #parseDescription(
    value: unknown,
    title: string | undefined,
    taskPath: AnswerPath,
  ): string | undefined {
    const path = [...taskPath, 'description'];
    const isLines = Array.isArray(value) && value.every((line) => typeof line === 'string');
    const text = this.#parseText(isLines ? value.join('\n') : value, path);
    if (text !== undefined || title === undefined) return text;
    this.#report.addRepair(REPAIRS.titleUsed());
    return title;
  }

  #parseNeeds(value: unknown): readonly unknown[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.#report.addRepair(REPAIRS.needsListed());
    if (!isJsonObject(value) || referenceText(value) !== undefined) return [value];
    return Object.entries(value).flatMap(([id, isNeeded]) => (isEmpty(isNeeded) ? [] : id));
  }

  #parseTools(value: unknown, path: AnswerPath): string[] {
    if (value === undefined) return [];
    const known = this.#settings.tools.map(({ name }) => name);
    const names: string[] = [];
    for (const [position, given] of (Array.isArray(value) ? value : [value]).entries()) {
      const name: unknown = isJsonObject(given) ? given.name : given;
      if (isEmpty(name) || (typeof name === 'string' && /^(none|n\/a|null)$/i.test(name))) continue;
      const tool = findByKey(known, name);
      if (tool === undefined) {
        const choice =
          known.length === 0 ? 'no tools are available' : `available tools: ${known.join(', ')}`;
        const message = `there is no tool ${quote(toText(name))}; ${choice}`;
        this.#report.addProblem('unknown_tool', [...path, position], message);
        continue;
      }
      if (names.includes(tool)) {
        this.#report.addRepair(REPAIRS.toolTwice(quote(tool)));
        continue;
      }
      if (tool !== name) {
        this.#report.addRepair(REPAIRS.toolRead(quote(toText(name)), tool));
      }
      names.push(tool);
    }
    return names;
  }

  #parseModel(value: unknown, path: AnswerPath): string | undefined {
    if (value === undefined) return undefined;
    const known = Object.keys(this.#settings.models);
    if (known.length === 0) {
      this.#report.addRepair(REPAIRS.modelIgnored());
      return undefined;
    }
    const model = findByKey(known, value);
    if (model !== undefined) return model;
    const message = `there is no model ${quote(toText(value))}; available models: ${known.join(', ')}`;
    this.#report.addProblem('unknown_model', path, message);
    return undefined;
  }

  #parseSubtasks(value: unknown, parent: ParsedTask): ParsedTask[] {
    const path = [...parent.path, 'subtasks'];
    if (!Array.isArray(value)) {
      this.#report.addProblem('invalid_value', path, 'must be a list of tasks');
      return [];
    }
    const { maxDepth } = this.#settings;
    if (depthOf(parent) < maxDepth) return this.parseList(value, path, parent);
    this.#report.addProblem('too_deep', path, `exceeds the nesting limit of ${maxDepth}`);
    return [];
  }
}

/** The fields beside the names of tools: `{ "name": "search", "args": { "query": "…" } }` */
function toolInputs(tools: unknown): NamedValue[] {
  return (Array.isArray(tools) ? tools : [tools]).flatMap((tool: unknown): NamedValue[] => {
    if (!isJsonObject(tool)) return [];
    const inputs = Object.entries(tool).filter(
      ([name, value]) => name !== 'name' && !isEmpty(value),
    );
    const [first, ...others] = inputs;
    if (first === undefined) return [];
    const input = others.length === 0 ? first[1] : Object.fromEntries(inputs);
    return [[`${toText(tool.name)} input`, input]];
  });
}

/** The known name that a value means, whatever its case and separators. */
function findByKey(known: readonly string[], value: unknown): string | undefined {
  const key = normalizeKey(toText(value));
  return known.find((name) => normalizeKey(name) === key);
}

/** 1 for a top-level task. */
function depthOf({ parent }: ParsedTask): number {
  return parent === undefined ? 1 : depthOf(parent) + 1;
}
