import { compileJsonSchema } from '../contract/compile-json-schema.js';
import type { ForEach, ItemStream } from '../contract/for-each.js';
import type { PlanProblem } from '../contract/plan-error.js';
import type { StandardSchema } from '../contract/schema.js';
import { asksModel, hasSubtasks, type ModulePlan, type Task } from '../contract/task.js';
import { isRecord } from '../util/record.js';
import { add, type PlanPath } from '../validate/checks.js';
import { checkModule } from '../validate/module.js';
import { DEFAULT_MAX_DEPTH } from '../validate/plan.js';
import { checkControl } from '../validate/task.js';

/** The plan of a module, from a path or a plan; reports its problems. */
export type ModuleAt = (
  given: unknown,
  place: { readonly id: unknown; readonly path: PlanPath; readonly depth: number },
) => ModulePlan;

/** The rows of the file at a path; a text says why they cannot be had. */
export type RowsAt = (path: string) => ItemStream['open'] | string;

/** What the tasks of a document name. */
export interface DocumentFiles {
  readonly moduleAt: ModuleAt;
  readonly rowsAt: RowsAt;
}

/**
 * Converts the tasks of a plan file to tasks of a plan, whose JSON Schemas can validate. Reports
 * problems with the fields that control a run; the schema of the file reports the others.
 *
 * @returns undefined when there is no list of tasks.
 */
export function documentTasks(
  problems: PlanProblem[],
  tasks: unknown,
  files: DocumentFiles,
  path: PlanPath = ['tasks'],
  depth = 1,
): Task[] | undefined {
  if (!Array.isArray(tasks)) return undefined;
  if (depth > DEFAULT_MAX_DEPTH) {
    const message = `is nested deeper than ${DEFAULT_MAX_DEPTH} levels`;
    add(problems, 'too_deep', path, message);
    return undefined;
  }
  return Array.from(tasks, (task, index) =>
    documentTask(problems, task, files, [...path, index], depth),
  );
}

function documentTask(
  problems: PlanProblem[],
  value: unknown,
  files: DocumentFiles,
  path: PlanPath,
  depth: number,
): Task {
  if (!isRecord(value)) return value as never; // Reported by the schema.
  const task: Record<string, unknown> = { ...value };
  if (value.outputSchema !== undefined) {
    task.outputSchema = schemaOf(problems, value.outputSchema, [...path, 'outputSchema']);
  }
  if (value.subtasks !== undefined) {
    const subtasks = documentTasks(
      problems,
      value.subtasks,
      files,
      [...path, 'subtasks'],
      depth + 1,
    );
    if (subtasks !== undefined) task.subtasks = subtasks;
  }
  if (value.plan !== undefined) {
    task.plan = files.moduleAt(value.plan, { id: value.id, path: [...path, 'plan'], depth });
  }
  const { forEach } = value;
  if (isRecord(forEach) && typeof forEach.file === 'string') {
    task.forEach = forEachRow(problems, forEach, files, [...path, 'forEach']);
  }
  const known = task as unknown as Task;
  checkModule(problems, known, path);
  checkControl(problems, known, path);
  const isGroup = value.plan !== undefined || (Array.isArray(task.subtasks) && hasSubtasks(known));
  if (task.description === undefined && asksModel(known) && !isGroup) {
    add(
      problems,
      'missing_field',
      [...path, 'description'],
      'is missing; it must be a string, the prompt',
    );
  }
  return known;
}

/** A fan-out over the rows of a file. */
function forEachRow(
  problems: PlanProblem[],
  { file, ...limits }: Readonly<Record<string, unknown>>,
  { rowsAt }: DocumentFiles,
  path: PlanPath,
): ForEach {
  const name = file as string;
  const open = rowsAt(name);
  if (typeof open !== 'string') return { ...limits, stream: { name, open } };
  add(problems, 'invalid_value', [...path, 'file'], open);
  return { ...limits, items: () => [] };
}

/** Makes a JSON Schema able to validate. It stays the same JSON. */
function schemaOf(
  problems: PlanProblem[],
  json: unknown,
  path: PlanPath,
): StandardSchema | undefined {
  if (!isRecord(json)) {
    add(problems, 'invalid_value', path, 'must be a JSON Schema, like { type: object, … }');
    return undefined;
  }
  try {
    const validate = compileJsonSchema(json);
    const standard = {
      version: 1,
      vendor: 'stratagem',
      validate,
      jsonSchema: { output: () => json },
    };
    return Object.defineProperty({ ...json }, '~standard', { value: standard }) as never;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    add(problems, 'invalid_value', path, `is not a supported JSON Schema: ${why}`);
    return undefined;
  }
}
