import type * as z from 'zod';
import { TASK_OPTIONS } from '../contract/call-options.js';
import type { Plan } from '../contract/plan.js';
import { PLAN_SETTINGS } from '../contract/plan.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import { didYouMean } from '../util/suggest.js';
import { crossTaskProblems } from '../validate/plan.js';
import { checkSettings } from '../validate/settings.js';
import { documentInputs } from './inputs.js';
import { checkModels } from './models.js';
import {
  estimateSchema,
  type ModelProfile,
  planDocumentSchema,
  profileSchema,
  STRATEGIES,
  type StrategySpec,
  strategyObjects,
  taskSchema,
} from './schema.js';
import { synonymOf } from './synonyms.js';
import { documentTasks } from './tasks.js';

/** A plan, and what its file says about how it is run. */
export interface ParsedPlan {
  readonly plan: Plan;
  readonly strategy?: StrategySpec;
  /** Profiles of models by name; a task without a `model` has the one named `default`, if any. */
  readonly models?: Readonly<Record<string, ModelProfile>>;
}

/**
 * Checks a plan that comes from outside: a parsed JSON or YAML file, or the response of a service.
 *
 * @throws {PlanError} with every problem: unknown and missing fields, wrong types, duplicate ids,
 * unknown dependencies, cycles.
 *
 * @example
 * const { plan, strategy } = parsePlanDocument(JSON.parse(text));
 */
export function parsePlanDocument(value: unknown): ParsedPlan {
  const problems: PlanProblem[] = [];
  const record = typeof value === 'object' && value !== null ? value : {};
  const { tasks: listed, goalState } = record as { tasks?: unknown; goalState?: unknown };
  const tasks = documentTasks(problems, listed);
  // The schema is recursive, so subtasks that are nested too deep must not reach it.
  if (problems.some(({ code }) => code === 'too_deep')) throw new PlanError(problems);

  const parsed = planDocumentSchema.safeParse(value, { reportInput: true });
  const shape = parsed.success ? [] : parsed.error.issues.filter(isReported).flatMap(toProblems);
  const { inputs: declared, ...settings } = record as Record<string, unknown>;
  const inputs = declared === undefined ? undefined : documentInputs(problems, declared);
  checkSettings(problems, settings);
  checkModels(problems, settings);
  // Where the inputs have problems of their own, references to them would be reported as well.
  const areInputsKnown = inputs !== undefined || declared === undefined;
  const isChecked = tasks !== undefined && areInputsKnown;
  const cross = isChecked ? crossTaskProblems(tasks, { ...settings, goalState, inputs }) : [];
  const all = [...problems, ...shape, ...cross];
  // The checks above have better messages, and must not accept more than the schema.
  if (all.length === 0 && !parsed.success) all.push(...parsed.error.issues.flatMap(toProblems));
  if (!parsed.success || all.length > 0) throw new PlanError(all);

  const { $schema: _, strategy, models, tasks: __, inputs: ___, ...rest } = parsed.data;
  const plan = { ...rest, ...(inputs !== undefined && { inputs }), tasks } as Plan;
  return {
    plan,
    ...(strategy !== undefined && {
      strategy: typeof strategy === 'string' ? { name: strategy } : strategy,
    }),
    ...(models !== undefined && { models }),
  };
}

/** Fields of a task whose problems are reported by the checks of plans in general. */
const CHECKED_FIELDS: ReadonlySet<string> = new Set([
  'outputSchema',
  'tools',
  'attachments',
  'when',
  'forEach',
  'repeat',
  'retry',
  'timeoutMs',
  'idleTimeoutMs',
  'waitFor',
  'tool',
  'args',
  'command',
  'save',
  ...TASK_OPTIONS,
]);

/** Whether the schema is to report an issue. */
function isReported(issue: z.core.$ZodIssue): boolean {
  const [first, ...path] = issue.path;
  if (PLAN_SETTINGS.includes(first as string)) return false;
  if (first === 'models') {
    // Unknown fields, profiles that are none, and runners.
    return path.length < 2 || issue.code === 'unrecognized_keys' || path[1] === 'runner';
  }
  while (path[1] === 'subtasks') path.splice(0, 2);
  const [, field] = path;
  return !(first === 'tasks' && CHECKED_FIELDS.has(field as string));
}

function toProblems(issue: z.core.$ZodIssue): PlanProblem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = fieldsAt(path, issue.input);
      return issue.keys.map((key) => ({
        code: 'unknown_field',
        path: [...path, key],
        message: `unknown field "${key}".${synonymOf(key, known) || didYouMean(key, known) || ` Known fields are ${known.join(', ')}.`}`,
      }));
    }
    case 'invalid_union':
      return strategyProblems(issue, path);
    case 'too_small':
      if (path.length === 1 && path[0] === 'tasks') {
        return [{ code: 'empty_plan', path, message: issue.message }];
      }
      break;
    case 'invalid_value': {
      const word = typeof issue.input === 'string' ? issue.input : undefined;
      const suggestion = word === undefined ? '' : didYouMean(word, issue.values.map(String));
      const message = suggestion === '' ? issue.message : `${issue.message}.${suggestion}`;
      return [
        { code: issue.input === undefined ? 'missing_field' : 'invalid_value', path, message },
      ];
    }
  }
  const code = issue.input === undefined ? 'missing_field' : 'invalid_value';
  return [{ code, path, message: issue.message }];
}

/** A strategy is a name or an object: reports the problems of the form that was meant. */
function strategyProblems(
  issue: z.core.$ZodIssueInvalidUnion,
  path: (string | number)[],
): PlanProblem[] {
  const { input, errors, message } = issue;
  const name =
    typeof input === 'object' && input !== null ? (input as { name?: unknown }).name : input;
  if (typeof name === 'string' && !STRATEGIES.includes(name)) {
    const at = input === name ? path : [...path, 'name'];
    const suggestion = didYouMean(name, STRATEGIES);
    const text = `unknown strategy "${name}"; it must be one of ${STRATEGIES.join(', ')}.${suggestion}`;
    return [{ code: 'invalid_value', path: at, message: text }];
  }
  const ofObject = errors.at(-1) ?? [];
  if (typeof name !== 'string' || ofObject.length === 0) {
    return [{ code: 'invalid_value', path, message }];
  }
  return ofObject.flatMap((inner) =>
    toProblems({ ...inner, path: [...path, ...inner.path] } as z.core.$ZodIssue),
  );
}

function fieldsAt(path: readonly (string | number)[], input: unknown): string[] {
  if (path.length === 0) return Object.keys(planDocumentSchema.shape);
  if (path[0] === 'strategy') {
    const named = strategyObjects.find(
      (option) => option.shape.name.value === (input as { name?: unknown }).name,
    );
    return Object.keys(named?.shape ?? {});
  }
  if (path[0] === 'models') return Object.keys(profileSchema.shape);
  return Object.keys((path.at(-1) === 'estimate' ? estimateSchema : taskSchema).shape);
}
