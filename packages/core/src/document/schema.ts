import * as z from 'zod';
import { type CallOptions, REASONING_EFFORTS } from '../contract/call-options.js';
import { OPERATORS } from '../contract/condition.js';
import { ATTEMPT_ERROR_CODES } from '../contract/errors.js';
import { ON_EXHAUSTED } from '../contract/repeat.js';
import { RUN_AFTER } from '../contract/run-after.js';
import { SERVER_TOOL_TYPES } from '../contract/server-tool.js';
import { COMMAND_OUTPUTS } from '../contract/step.js';
import { TASK_TYPES } from '../contract/task.js';
import { WAIT_KINDS } from '../contract/wait-for.js';
import { NOT_UNREADABLE, UNREADABLE } from '../validate/checks.js';

/** An error message that distinguishes a missing value from a wrong one. */
function needs(what: string) {
  return {
    error: (issue: { input: unknown }) =>
      issue.input === undefined ? `is missing; it must be ${what}` : `must be ${what}`,
  };
}

const maxParallel = z
  .int(needs('an integer ≥ 1'))
  .min(1, 'must be an integer ≥ 1')
  .describe('The maximum number of tasks that run at once.');

/** The strategies with their options. */
export const strategyObjects = [
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
      .number(needs('a number > 0 and ≤ 1'))
      .gt(0, 'must be > 0')
      .max(1, 'must be ≤ 1')
      .describe('The share of the possible gain that more parallel tasks must bring.')
      .optional(),
  }),
] as const;

export const STRATEGIES: readonly string[] = strategyObjects.map(
  (option) => option.shape.name.value,
);

const strategySchema = z.union(
  [z.enum(['sequential', 'parallel', 'adaptive']), z.discriminatedUnion('name', strategyObjects)],
  needs('sequential, parallel, adaptive, or an object with a name and options'),
);

const metadata = z.record(z.string(), z.unknown(), needs('an object'));

export const estimateSchema = z.strictObject(
  {
    durationMs: z
      .number(needs('a number of milliseconds'))
      .min(0, 'must be ≥ 0')
      .describe('Expected duration in milliseconds.')
      .optional(),
    tokens: z
      .number(needs('a number of tokens'))
      .min(0, 'must be ≥ 0')
      .describe('Expected tokens, read and written together.')
      .optional(),
    costUsd: z
      .number(needs('a number of US dollars'))
      .min(0, 'must be ≥ 0')
      .describe('Expected cost in US dollars.')
      .optional(),
  },
  needs('an object like { durationMs: 2000 }'),
);

// The following schemas are for editors and types. Problems with their values are reported by the
// checks that plans written in code go through, too.

const milliseconds = z.number().positive();
const count = z.int().min(1);

const IDLE_TIMEOUT =
  'How long an attempt may go without text and without a step or call of a tool, in milliseconds.';

const retrySchema = z
  .strictObject({
    maxAttempts: count
      .describe('The maximum number of attempts, the first included; 3 by default.')
      .optional(),
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
    maxRetryAfterMs: z
      .number()
      .min(0)
      .describe('The longest wait that a server may ask for; without a limit by default.')
      .optional(),
    factor: z
      .number()
      .min(1)
      .describe('The factor by which the longest wait grows from attempt to attempt; 2 by default.')
      .optional(),
    on: z
      .array(z.enum(ATTEMPT_ERROR_CODES))
      .describe('The errors after which to try again; transient errors by default.')
      .optional(),
  })
  .meta({ id: 'retry' });

const amounts = {
  tokens: count.describe('Tokens, read and written together.').optional(),
  costUsd: z.number().positive().describe('US dollars; needs known prices.').optional(),
};

const budgetSchema = z.strictObject({
  ...amounts,
  tasks: count.describe('The number of tasks that start.').optional(),
  wallTimeMs: milliseconds.describe('Milliseconds after which nothing more starts.').optional(),
  resources: z
    .record(z.string(), z.strictObject(amounts))
    .describe('Budgets of single resources: by the name of a model profile, or as openai/gpt-5.')
    .optional(),
});

const operator = z.enum(OPERATORS).describe('`matches` takes a regular expression.');

const conditionSchema = z
  .union([
    z.strictObject({
      path: z.string().describe('A dependency and a path in its output, like triage.kind.'),
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

const forEachLimits = {
  maxItems: count.describe('The maximum number of items; 1000 by default.').optional(),
  minSuccess: z
    .union([z.int().min(0), z.string().regex(/^\d+(\.\d+)?%$/)])
    .describe('How many items must succeed, as a number or a percentage like 80%; all by default.')
    .optional(),
};

const forEachSchema = z.union([
  z.string().describe('The list, like gather.documents.'),
  z.strictObject({
    items: z.string().describe('The list, like gather.documents.'),
    ...forEachLimits,
  }),
  z.strictObject({
    file: z
      .string()
      .min(1)
      .describe(
        'A file whose rows are the items, like ./reviews.jsonl: CSV, TSV, JSON Lines or JSON.',
      ),
    ...forEachLimits,
  }),
]);

const repeatSchema = z.strictObject({
  until: conditionSchema.describe(
    'Ends the loop when it holds after an iteration. The id of the task is the output of the iteration; subtasks, `previous` and `iteration` are known as well.',
  ),
  maxIterations: count
    .describe('The maximum number of iterations, the first one included; 5 by default.')
    .optional(),
  onExhausted: z
    .enum(ON_EXHAUSTED)
    .describe(
      'What happens when the condition does not hold after the last iteration: complete with its output (the default), or fail.',
    )
    .optional(),
});

const waitForSchema = z.union([
  z.enum(WAIT_KINDS),
  z.strictObject({
    kind: z.enum(WAIT_KINDS),
    timeoutMs: milliseconds.describe('How long to wait, in milliseconds.').optional(),
    default: z.unknown().describe('The answer after the timeout.').optional(),
  }),
]);

const argv = z
  .array(z.string())
  .min(1)
  .describe('The program, then its arguments; each argument may have references.');

const commandSchema = z.union([
  argv,
  z.strictObject({
    argv,
    cwd: z.string().describe('The directory to run in.').optional(),
    env: z
      .record(z.string(), z.string())
      .describe('Environment variables, such as { TOKEN: "{{inputs.token}}" }.')
      .optional(),
    stdin: z.string().describe('What the program reads: {{gather}} as JSON.').optional(),
    output: z
      .enum(COMMAND_OUTPUTS)
      .describe('How its standard output is read; text by default.')
      .optional(),
  }),
]);

const criterionSchema = z.strictObject({
  name: z.string().optional(),
  path: z.string().describe('Like outputs.report.score or metrics.completedTasks.').optional(),
  count: z.string().describe('Counts the values in all outputs, like outputs.*.papers.').optional(),
  operator,
  value: z.unknown(),
  weight: z.number().positive().optional(),
});

const goalStateSchema = z.strictObject({
  description: z.string().describe('The goal in words, for messages.').optional(),
  criteria: z.array(criterionSchema).min(1),
  threshold: z
    .number()
    .positive()
    .max(1)
    .describe('The share of the criteria, by weight, that must be met.')
    .optional(),
  whenAchieved: z
    .enum(['finish', 'abort'])
    .describe('Whether running tasks finish or are aborted.')
    .optional(),
});

const reasoningEffort = z.enum(REASONING_EFFORTS);

const domains = z.array(z.string().min(1)).min(1);
const toolOptions = z
  .record(z.string(), z.record(z.string(), z.unknown()))
  .describe('Fields of the tool in the words of a provider: { openai: { … } }.');

/** A record, so that the compiler finds a missing option. */
const optionSchemas = {
  instructions: z.string().describe('Instructions that precede the prompt: role, tone, rules.'),
  temperature: z.number().min(0).describe('From 0, the most likely answer, upwards.'),
  topP: z.number().gt(0).max(1).describe('The share of likely tokens to choose from.'),
  seed: z.int().describe('Makes answers repeatable, as far as the model can.'),
  stopSequences: z.array(z.string().min(1)).min(1).describe('Texts at which the answer ends.'),
  maxOutputTokens: count.describe('Maximum tokens of one answer, hidden reasoning included.'),
  toolChoice: z
    .union([
      z.enum(['auto', 'none', 'required']),
      z.strictObject({ type: z.literal('tool'), toolName: z.string() }),
    ])
    .describe('Whether the model calls tools; a forced call is the first request of an attempt.'),
  serverTools: z
    .array(
      z.union([
        z.enum(SERVER_TOOL_TYPES),
        z.strictObject({
          type: z.literal('web_search'),
          maxUses: count.describe('Maximum searches for one request.').optional(),
          allowedDomains: domains.describe('Search these domains alone.').optional(),
          blockedDomains: domains.describe('Leave out these domains.').optional(),
          userLocation: z
            .strictObject({
              city: z.string().optional(),
              region: z.string().optional(),
              country: z.string().describe('Two letters, such as PT.').optional(),
              timezone: z.string().describe('Such as Europe/Lisbon.').optional(),
            })
            .describe('Where searches are made from.')
            .optional(),
          providerOptions: toolOptions.optional(),
        }),
        z.strictObject({
          type: z.literal('code_execution'),
          providerOptions: toolOptions.optional(),
        }),
      ]),
    )
    .min(1)
    .describe('Tools that the provider runs itself: web_search, code_execution.'),
  headers: z
    .record(z.string(), z.string())
    .describe('Headers of each request. Their values are never recorded.'),
  providerOptions: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .describe('Fields of the request in the words of a provider: { openai: { … } }.'),
  reasoning: z
    .union([
      reasoningEffort,
      z.strictObject({
        effort: reasoningEffort.optional(),
        budgetTokens: count.describe('Maximum tokens of the reasoning.').optional(),
      }),
    ])
    .describe('How the model reasons before it answers.'),
  stream: z
    .union([z.boolean(), z.literal('auto')])
    .describe('Whether the answer is streamed; by default, where somebody reads the text.'),
  serviceTier: z.string().min(1).describe('The processing tier, such as flex or priority.'),
  store: z.boolean().describe('Whether the provider may store the answer.'),
  promptCacheKey: z.string().min(1).describe('Requests with the same key share a prompt cache.'),
  promptCacheTtl: z.string().min(1).describe('How long a prompt stays in the cache, such as 1h.'),
} as const satisfies Record<keyof CallOptions, z.ZodType>;

/** The runners that a profile may name; the command line loads no other one for a plan file. */
export const PROFILE_RUNNERS = ['openai', 'anthropic', 'simulated'] as const;

/** A runner with its options, by which tasks name it. */
export const profileSchema = z.strictObject(
  {
    runner: z
      .enum(PROFILE_RUNNERS, needs(`one of ${PROFILE_RUNNERS.join(', ')}`))
      .describe('The provider; by default the runner of the command line.')
      .optional(),
    model: z.string(needs('the name of a model')).describe('A model of the provider.').optional(),
    ...z.strictObject(optionSchemas).partial().shape,
  },
  needs('an object like { runner: openai, model: gpt-6.1-sol }'),
);

const attachmentName = {
  mediaType: z.string().describe('Like image/png; from the file by default.').optional(),
  filename: z.string().describe('The name that the model sees.').optional(),
};

const attachmentSchema = z.union([
  z.string().describe('A path, or an http(s) address.'),
  z.strictObject({ path: z.string().describe('The path of a file.'), ...attachmentName }),
  z.strictObject({
    url: z.string().describe('An address that the provider fetches.'),
    ...attachmentName,
  }),
]);

const taskModel = z
  .string()
  .min(1)
  .describe('A profile of `models`, a profile and a model (deep/claude-opus-5-5), or a model.');

export const taskSchema = z
  .strictObject(
    {
      id: z
        .string(needs('a string (a number or a date needs quotes)'))
        .min(1, 'must not be empty')
        .refine((id) => !UNREADABLE.test(id), NOT_UNREADABLE)
        .describe('Unique within the plan.'),
      description: z
        .string(needs('a string, the prompt'))
        .refine((text) => text.trim() !== '', 'must not be empty; it is the prompt')
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
        .describe('Ids of the tasks that must complete first; see `runAfter`.')
        .optional(),
      runAfter: z
        .enum(RUN_AFTER)
        .describe(
          'Whether the dependencies must complete (success), only end (settled), or one must fail (failure); success by default.',
        )
        .optional(),
      priority: z
        .number(needs('a number'))
        .describe('Among tasks that are equally urgent, the higher number goes first.')
        .optional(),
      estimate: estimateSchema
        .describe(
          'Expected duration, tokens and cost of one attempt, for the order of tasks and for budgets.',
        )
        .optional(),
      outputSchema: z
        .record(z.string(), z.unknown())
        .describe('The JSON Schema of the output.')
        .optional(),
      tools: z
        .array(z.string())
        .describe('Names of tools that the model may call while it works on the task.')
        .optional(),
      tool: z
        .string()
        .describe('Calls this tool, without a model; its result is the output. See `args`.')
        .optional(),
      args: z
        .record(z.string(), z.unknown())
        .describe(
          'The input of the tool. A text that is one reference, like {{gather.items}}, stands for the value itself.',
        )
        .optional(),
      command: commandSchema
        .describe(
          'Runs a program, without a model and without a shell. Only with --allow-commands.',
        )
        .optional(),
      save: z
        .string()
        .describe(
          'Writes the output to this file within the output folder, like reports/{{index}}.md.',
        )
        .optional(),
      attachments: z
        .array(attachmentSchema)
        .describe(
          'Files for the model: paths relative to the folder of this file, addresses, or references like {{item.path}}.',
        )
        .optional(),
      when: conditionSchema.describe('Runs the task only if this condition holds.').optional(),
      forEach: forEachSchema
        .describe('Runs the task once for each item of a list; {{item}} is the item.')
        .optional(),
      repeat: repeatSchema
        .describe(
          'Runs the task and its subtasks again until a condition holds; {{previous}} is the output of the iteration before.',
        )
        .optional(),
      get subtasks() {
        return z
          .array(taskSchema, needs('a list of tasks'))
          .describe('Tasks that belong to this one; it is complete when they are.')
          .optional();
      },
      get plan() {
        return z
          .union([z.string().min(1), planDocumentSchema])
          .describe(
            'A module: the path of another plan file, like ./review.yaml, or a plan. Its tasks are the subtasks, and its outputs the output.',
          )
          .optional();
      },
      with: z
        .record(z.string(), z.unknown())
        .describe(
          'The values for the inputs of the plan of a module: { draft: "{{write}}" }. A reference alone gives the value itself.',
        )
        .optional(),
      retry: retrySchema.describe('How failed attempts are repeated.').optional(),
      timeoutMs: milliseconds.describe('Timeout of one attempt in milliseconds.').optional(),
      idleTimeoutMs: milliseconds.describe(IDLE_TIMEOUT).optional(),
      model: taskModel.optional(),
      instructions: optionSchemas.instructions.optional(),
      temperature: optionSchemas.temperature.optional(),
      topP: optionSchemas.topP.optional(),
      seed: optionSchemas.seed.optional(),
      stopSequences: optionSchemas.stopSequences.optional(),
      maxOutputTokens: optionSchemas.maxOutputTokens.optional(),
      toolChoice: optionSchemas.toolChoice.optional(),
      serverTools: optionSchemas.serverTools.optional(),
      headers: optionSchemas.headers.optional(),
      providerOptions: optionSchemas.providerOptions.optional(),
      reasoning: optionSchemas.reasoning.optional(),
      stream: optionSchemas.stream.optional(),
      serviceTier: optionSchemas.serviceTier.optional(),
      store: optionSchemas.store.optional(),
      promptCacheKey: optionSchemas.promptCacheKey.optional(),
      promptCacheTtl: optionSchemas.promptCacheTtl.optional(),
      waitFor: waitForSchema
        .describe('A human step: the description is the question, the answer is the output.')
        .optional(),
      metadata: metadata
        .describe('Your own data; passed to the runner, never interpreted.')
        .optional(),
    },
    needs('an object with an id and a description'),
  )
  .meta({ id: 'task' });

const inputSchema = z
  .looseObject({
    description: z.string().describe('What the input means.').optional(),
    default: z.unknown().describe('The value where none is given.').optional(),
    optional: z.boolean().describe('Whether it may be left out without a default.').optional(),
    env: z
      .string()
      .describe('The environment variable with the value, if none is given.')
      .optional(),
    secret: z
      .boolean()
      .describe('Keeps the value out of events, outputs and journals; needs env.')
      .optional(),
  })
  .meta({ id: 'input' });

/** The shape of a plan file. `parsePlanDocument` also checks its tasks against each other. */
export const planDocumentSchema = z.strictObject(
  {
    $schema: z.string(needs('a string')).describe('For editors; ignored.').optional(),
    goal: z.string(needs('a string')).describe('The goal of the whole plan, in a sentence.'),
    strategy: strategySchema.describe('How tasks are scheduled.').optional(),
    models: z
      .record(z.string(), profileSchema, needs('an object of profiles by name'))
      .describe('Models with their options, by the names that tasks choose with `model`.')
      .optional(),
    goalState: goalStateSchema.describe('When the goal is reached; the run ends then.').optional(),
    goalCheckInterval: count
      .describe('The number of completed tasks between two checks of the goal; 1 by default.')
      .optional(),
    retry: retrySchema
      .describe('How failed attempts are repeated, for tasks without their own `retry`.')
      .optional(),
    timeoutMs: milliseconds
      .describe('Timeout of one attempt in milliseconds, for tasks without their own `timeoutMs`.')
      .optional(),
    idleTimeoutMs: milliseconds.describe(`${IDLE_TIMEOUT} For tasks without their own.`).optional(),
    deadlineMs: milliseconds.describe('Timeout of the whole run in milliseconds.').optional(),
    budget: budgetSchema.describe('Limits of what the run may use.').optional(),
    inputs: z
      .record(z.string(), inputSchema)
      .describe('The inputs of the plan: a JSON Schema for each. {{inputs.company}} is a value.')
      .optional(),
    outputs: z
      .union([z.record(z.string(), z.string()), z.array(z.string())])
      .describe(
        'The results that the plan is for: names and references, like { report: write.summary }, or ids of tasks.',
      )
      .optional(),
    metadata: metadata.describe('Your own data; never interpreted.').optional(),
    tasks: z
      .array(taskSchema, needs('a list of tasks'))
      .min(1, 'the plan has no tasks; give it at least one'),
  },
  needs('a plan: an object with a goal and tasks'),
);

/** A plan file, as data. */
export type PlanDocument = z.infer<typeof planDocumentSchema>;

/** A runner and its options, as data. */
export type ModelProfile = z.infer<typeof profileSchema>;

/** A built-in strategy and its options, as data. */
export type StrategySpec = Exclude<NonNullable<PlanDocument['strategy']>, string>;
