import * as z from 'zod';
import { OPERATORS } from '../contract/condition.js';
import { ATTEMPT_ERROR_CODES } from '../contract/errors.js';
import type { Plan } from '../contract/plan.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import { TASK_TYPES } from '../contract/task.js';
import { WAIT_KINDS } from '../contract/wait-for.js';
import { didYouMean } from '../util/suggest.js';
import { betweenTasks } from '../validate/plan.js';
import { checkSettings, SETTING_FIELDS } from '../validate/settings.js';
import { documentTasks } from './tasks.js';

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
  z.strictObject({
    name: z.literal('adaptive'),
    maxParallel: maxParallel.optional(),
    adaptiveThreshold: z
      .number(needs('a number above 0 and up to 1'))
      .gt(0, 'must be above 0')
      .max(1, 'must be at most 1')
      .describe('What share of the possible gain more tasks at once must bring to be worth it.')
      .optional(),
  }),
] as const;

const STRATEGIES: readonly string[] = strategyObjects.map((option) => option.shape.name.value);

const strategySchema = z.union(
  [z.enum(['sequential', 'parallel', 'adaptive']), z.discriminatedUnion('name', strategyObjects)],
  needs('sequential, parallel, adaptive, or an object with a name and options'),
);

const metadata = z.record(z.string(), z.unknown(), needs('an object'));

const estimateSchema = z.strictObject(
  {
    durationMs: z
      .number(needs('a number of milliseconds'))
      .min(0, 'must be 0 or more')
      .describe('Expected duration in milliseconds.')
      .optional(),
    tokens: z
      .number(needs('a number of tokens'))
      .min(0, 'must be 0 or more')
      .describe('Expected tokens, read and written together.')
      .optional(),
    costUsd: z
      .number(needs('a number of US dollars'))
      .min(0, 'must be 0 or more')
      .describe('Expected cost in US dollars.')
      .optional(),
  },
  needs('an object like { durationMs: 2000 }'),
);

// What is wrong with the following is said by the checks that plans written in code go through,
// too; these schemas are for editors and types.

const milliseconds = z.number().positive();
const count = z.int().min(1);

const retrySchema = z
  .strictObject({
    maxAttempts: count.describe('The most attempts, the first included; 3 by default.').optional(),
    initialDelayMs: z
      .number()
      .min(0)
      .describe('The longest wait before the second attempt; 500 by default.')
      .optional(),
    maxDelayMs: z
      .number()
      .min(0)
      .describe('The longest wait before any attempt; 30000 by default.')
      .optional(),
    factor: z
      .number()
      .min(1)
      .describe('Growth of the longest wait from attempt to attempt; 2 by default.')
      .optional(),
    on: z
      .array(z.enum(ATTEMPT_ERROR_CODES))
      .describe(
        'The errors after which to try again; by default those that may be gone a moment later.',
      )
      .optional(),
  })
  .meta({ id: 'retry' });

const budgetSchema = z.strictObject({
  tokens: count.describe('Tokens, read and written together.').optional(),
  costUsd: z.number().positive().describe('US dollars; needs known prices.').optional(),
  tasks: count.describe('Tasks that are started.').optional(),
  wallTimeMs: milliseconds.describe('Milliseconds after which nothing more starts.').optional(),
});

const operator = z.enum(OPERATORS).describe('`matches` takes a regular expression.');

const conditionSchema = z
  .union([
    z.strictObject({
      path: z.string().describe('A dependency and a place in its output, like triage.kind.'),
      operator,
      value: z.unknown(),
    }),
    z.strictObject({
      get all(): z.ZodArray<z.ZodType> {
        return z.array(conditionSchema);
      },
    }),
    z.strictObject({
      get any(): z.ZodArray<z.ZodType> {
        return z.array(conditionSchema);
      },
    }),
    z.strictObject({
      get not(): z.ZodType {
        return conditionSchema;
      },
    }),
  ])
  .meta({ id: 'condition' });

const forEachSchema = z.union([
  z.string().describe('Where the list is, like gather.documents.'),
  z.strictObject({
    items: z.string().describe('Where the list is, like gather.documents.'),
    maxItems: count.describe('The most elements; 1000 by default.').optional(),
    minSuccess: z
      .union([z.int().min(0), z.string().regex(/^\d+(\.\d+)?%$/)])
      .describe('How many must succeed, or which share, like 80%; all by default.')
      .optional(),
  }),
]);

const waitForSchema = z.union([
  z.enum(WAIT_KINDS),
  z.strictObject({
    kind: z.enum(WAIT_KINDS),
    timeoutMs: milliseconds.describe('How long to wait, in milliseconds.').optional(),
    default: z.unknown().describe('The answer when none came in time.').optional(),
  }),
]);

const criterionSchema = z.strictObject({
  name: z.string().optional(),
  path: z.string().describe('Like outputs.report.score or metrics.completedTasks.').optional(),
  count: z
    .string()
    .describe('Like outputs.*.papers: how many there are in all outputs.')
    .optional(),
  operator,
  value: z.unknown(),
  weight: z.number().positive().optional(),
});

const goalStateSchema = z.strictObject({
  criteria: z.array(criterionSchema).min(1),
  threshold: z
    .number()
    .positive()
    .max(1)
    .describe('The share of the criteria, by weight, that must be met.')
    .optional(),
  whenAchieved: z
    .enum(['finish', 'abort'])
    .describe('What becomes of tasks that run then.')
    .optional(),
});

const taskSchema = z
  .strictObject(
    {
      id: z
        .string(needs('a string (a number or a date needs quotes)'))
        .min(1, 'must not be empty')
        .describe('Unique within the plan.'),
      description: z
        .string(needs('a string, the prompt'))
        .refine((text) => text.trim() !== '', 'is empty; it is the prompt')
        .describe(
          'The prompt. {{research}} and {{research.companies[0].name}} stand for the output of a dependency; without any, the outputs of all dependencies are appended.',
        )
        .optional(),
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
        .describe('What one attempt is expected to take: used to order tasks and to keep budgets.')
        .optional(),
      outputSchema: z
        .record(z.string(), z.unknown())
        .describe('What the output must look like, as JSON Schema.')
        .optional(),
      tools: z
        .array(z.string())
        .describe('Names of tools that the model may call while it works on the task.')
        .optional(),
      when: conditionSchema.describe('Run the task only if this holds.').optional(),
      forEach: forEachSchema
        .describe('Do the task once for each element of a list; {{item}} is the element.')
        .optional(),
      get subtasks() {
        return z
          .array(taskSchema, needs('a list of tasks'))
          .describe('Tasks that belong to this one; it is complete when they are.')
          .optional();
      },
      retry: retrySchema.describe('How failed attempts are repeated.').optional(),
      timeoutMs: milliseconds
        .describe('The longest one attempt may take, in milliseconds.')
        .optional(),
      waitFor: waitForSchema
        .describe('A human step: the description is the question, the answer is the output.')
        .optional(),
      metadata: metadata.describe('Yours; handed to the runner, never interpreted.').optional(),
    },
    needs('an object with an id and a description'),
  )
  .meta({ id: 'task' });

/**
 * The shape of a plan file. It does not check what tasks say about each other: use
 * `parsePlanDocument` for that, too.
 */
export const planDocumentSchema = z.strictObject(
  {
    $schema: z.string(needs('a string')).describe('For editors; ignored.').optional(),
    goal: z.string(needs('a string')).describe('What the whole plan is to reach, in a sentence.'),
    strategy: strategySchema.describe('How tasks are scheduled.').optional(),
    goalState: goalStateSchema
      .describe('When the goal is reached; the run ends as soon as it is.')
      .optional(),
    goalCheckInterval: count
      .describe('After how many completed tasks the goal is checked; 1 by default.')
      .optional(),
    retry: retrySchema
      .describe('How attempts are repeated at tasks that do not say so themselves.')
      .optional(),
    timeoutMs: milliseconds
      .describe('The longest one attempt may take, in milliseconds, at tasks that do not say so.')
      .optional(),
    deadlineMs: milliseconds
      .describe('The longest the whole run may take, in milliseconds.')
      .optional(),
    budget: budgetSchema.describe('What the run may use at most.').optional(),
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
  const problems: PlanProblem[] = [];
  const record = typeof value === 'object' && value !== null ? value : {};
  const { tasks: listed, goalState } = record as { tasks?: unknown; goalState?: unknown };
  const tasks = documentTasks(problems, listed);
  // What nests too deep for us would be too deep for the parser, too.
  if (problems.some(({ code }) => code === 'too_deep')) throw new PlanError(problems);

  const parsed = planDocumentSchema.safeParse(value, { reportInput: true });
  const shape = parsed.success ? [] : parsed.error.issues.filter(isOurs).flatMap(toProblems);
  checkSettings(problems, record as Record<string, unknown>);
  const between = tasks === undefined ? [] : betweenTasks(tasks, goalState);
  const all = [...problems, ...shape, ...between];
  // The checks above are there to say it better, and must not say less.
  if (all.length === 0 && !parsed.success) all.push(...parsed.error.issues.flatMap(toProblems));
  if (!parsed.success || all.length > 0) throw new PlanError(all);

  const { $schema: _, strategy, tasks: __, ...rest } = parsed.data;
  const plan = { ...rest, tasks } as Plan;
  if (strategy === undefined) return { plan };
  return { plan, strategy: typeof strategy === 'string' ? { name: strategy } : strategy };
}

/** Fields whose problems are found by the checks of plans in general. */
const CHECKED_FIELDS = [
  'outputSchema',
  'tools',
  'when',
  'forEach',
  'retry',
  'timeoutMs',
  'waitFor',
];

/** Whether an issue is for the schema to report. */
function isOurs(issue: z.core.$ZodIssue): boolean {
  const [first, ...path] = issue.path;
  if (SETTING_FIELDS.includes(first as string)) return false;
  while (path[1] === 'subtasks') path.splice(0, 2);
  const [, field] = path;
  return !(first === 'tasks' && CHECKED_FIELDS.includes(field as string));
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
    const text = `there is no strategy "${name}"; it must be one of ${STRATEGIES.join(', ')}.${suggestion}`;
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
