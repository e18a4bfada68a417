import * as z from 'zod';
import { RUN_AFTER } from '../contract/run-after.js';
import { TASK_TYPES } from '../contract/task.js';
import { NOT_UNREADABLE, UNREADABLE } from '../validate/checks.js';
import {
  commandSchema,
  conditionSchema,
  forEachSchema,
  goalStateSchema,
  repeatSchema,
  waitForSchema,
} from './flow-schema.js';
import { needs } from './messages.js';
import { optionSchemas, profileSchema } from './model-schema.js';
import {
  budgetSchema,
  count,
  estimateSchema,
  IDLE_TIMEOUT,
  milliseconds,
  retrySchema,
} from './settings-schema.js';
import { strategySchema } from './strategy-schema.js';

const metadata = z.record(z.string(), z.unknown(), needs('an object'));

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
      .min(1, 'the plan has no tasks; give it at least one')
      .describe('The steps of the plan, in any order.'),
  },
  needs('a plan: an object with a goal and tasks'),
);

/** A plan file, as data. */
export type PlanDocument = z.infer<typeof planDocumentSchema>;
