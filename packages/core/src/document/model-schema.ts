import * as z from 'zod';
import { type CallOptions, REASONING_EFFORTS } from '../contract/call-options.js';
import { SERVER_TOOL_TYPES } from '../contract/server-tool.js';
import { needs } from './messages.js';
import { count } from './settings-schema.js';

const reasoningEffort = z.enum(REASONING_EFFORTS);

const domains = z.array(z.string().min(1)).min(1);
const toolOptions = z
  .record(z.string(), z.record(z.string(), z.unknown()))
  .describe('Fields of the tool in the words of a provider: { openai: { … } }.');

/** A record, so that the compiler finds a missing option. */
export const optionSchemas = {
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

/** A runner and its options, as data. */
export type ModelProfile = z.infer<typeof profileSchema>;
