import * as z from 'zod';
import type { Plan } from './plan.js';
import { PlanError, type PlanProblem } from './problem.js';
import { didYouMean } from './suggest.js';
import { TASK_TYPES } from './task.js';
import { betweenTasks } from './validate.js';

/** `is missing` where nothing stands, else what should. */
function needs(what: string) {
  return {
    error: (issue: { input: unknown }) =>
      issue.input === undefined ? `is missing; it must be ${what}` : `must be ${what}`,
  };
}

const maxParallel = z
  .int(needs('a whole number of at least 1'))
  .min(1, 'must be a whole number of at least 1')
  .describe('The most tasks that run at once.');

const strategyObjects = [
  z.strictObject({ name: z.literal('sequential') }),
  z.strictObject({
    name: z.literal('parallel'),
    maxParallel: maxParallel.optional(),
    levelBarrier: z
      .boolean(needs('true or false'))
      .describe('Run level by level: no task starts before all of the lower levels ended.')
      .optional(),
  }),
] as const;

const STRATEGIES: readonly string[] = strategyObjects.map((option) => option.shape.name.value);

const strategySchema = z.union(
  [z.enum(['sequential', 'parallel']), z.discriminatedUnion('name', strategyObjects)],
  needs('sequential, parallel, or an object with a name and options'),
);

const metadata = z.record(z.string(), z.unknown(), needs('an object'));

const estimateSchema = z.strictObject(
  {
    durationMs: z
      .number(needs('a number of milliseconds'))
      .min(0, 'must be 0 or more')
      .describe('Expected duration in milliseconds.')
      .optional(),
  },
  needs('an object like { durationMs: 2000 }'),
);

const taskSchema = z.strictObject(
  {
    id: z
      .string(needs('a string (a number or a date needs quotes)'))
      .min(1, 'must not be empty')
      .describe('Unique within the plan.'),
    description: z
      .string(needs('a string, the prompt'))
      .refine((text) => text.trim() !== '', 'is empty; it is the prompt')
      .describe('The prompt. The outputs of the dependencies are added to it.'),
    type: z
      .enum(TASK_TYPES, needs(`one of ${TASK_TYPES.join(', ')}`))
      .describe('A label for strategies and reports.')
      .optional(),
    dependencies: z
      .array(z.string(needs('the id of a task')).min(1, 'must be the id of a task'), {
        ...needs('a list of task ids, like [research, interviews]'),
      })
      .describe('Ids of the tasks that must complete first.')
      .optional(),
    priority: z
      .number(needs('a number'))
      .describe('Among tasks that are equally urgent, the higher number goes first.')
      .optional(),
    estimate: estimateSchema
      .describe('What the task is expected to take; used to order tasks.')
      .optional(),
    metadata: metadata.describe('Yours; handed to the runner, never interpreted.').optional(),
  },
  needs('an object with an id and a description'),
);

/**
 * The shape of a plan file. It does not check what tasks say about each other: use
 * `parsePlanDocument` for that, too.
 */
export const planDocumentSchema = z.strictObject(
  {
    $schema: z.string(needs('a string')).describe('For editors; ignored.').optional(),
    goal: z.string(needs('a string')).describe('What the whole plan is to reach, in a sentence.'),
    strategy: strategySchema.describe('How tasks are scheduled.').optional(),
    metadata: metadata.describe('Yours; never interpreted.').optional(),
    tasks: z
      .array(taskSchema, needs('a list of tasks'))
      .min(1, 'the plan has no tasks; give it at least one'),
  },
  needs('a plan: an object with a goal and tasks'),
);

/** A plan file, as data. */
export type PlanDocument = z.infer<typeof planDocumentSchema>;

/** A built-in strategy and its options, as data. */
export type StrategySpec = Exclude<NonNullable<PlanDocument['strategy']>, string>;

/**
 * Checks a plan that comes from outside (a parsed JSON or YAML file, an answer of a service).
 *
 * @throws {PlanError} with everything that is wrong: unknown and missing fields, wrong types,
 * duplicate ids, unknown dependencies, cycles.
 *
 * @example
 * const { plan, strategy } = parsePlanDocument(JSON.parse(text));
 */
export function parsePlanDocument(value: unknown): { plan: Plan; strategy?: StrategySpec } {
  const parsed = planDocumentSchema.safeParse(value, { reportInput: true });
  const problems = parsed.success ? [] : parsed.error.issues.flatMap(toProblems);
  const tasks = (value as { tasks?: unknown } | null | undefined)?.tasks;
  const between = Array.isArray(tasks) ? betweenTasks(tasks) : [];
  if (!parsed.success || between.length > 0) throw new PlanError(problems.concat(between));

  const { $schema: _, strategy, ...plan } = parsed.data;
  if (strategy === undefined) return { plan };
  return { plan, strategy: typeof strategy === 'string' ? { name: strategy } : strategy };
}

/** The JSON Schema of a plan file, for editors; the package has it as `plan.schema.json`. */
export function planJsonSchema(): object {
  return {
    ...z.toJSONSchema(planDocumentSchema, { target: 'draft-7', io: 'input' }),
    title: 'Stratagem plan',
  };
}

function toProblems(issue: z.core.$ZodIssue): PlanProblem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = fieldsAt(path, issue.input);
      return issue.keys.map((key) => ({
        code: 'unknown_field',
        path: [...path, key],
        message: `unknown field "${key}".${didYouMean(key, known) || ` Known fields are ${known.join(', ')}.`}`,
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

/** The strategy is the one field with two forms; the problems of the form that was meant count. */
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
    const text = `there is no strategy "${name}"; it must be ${STRATEGIES.join(' or ')}.${suggestion}`;
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
  return Object.keys((path.at(-1) === 'estimate' ? estimateSchema : taskSchema).shape);
}
