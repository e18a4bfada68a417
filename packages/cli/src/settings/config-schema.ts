import { PlanError, type PlanProblem } from '@stratagem/core';
import { parsePlanDocument } from '@stratagem/core/document';
import { didYouMean } from '@stratagem/core/runner';
import * as z from 'zod';
import { isRunnerName, RUNNERS, STRATEGIES } from '../options/choices.js';
import { parseDuration } from '../options/parse-duration.js';
import {
  type ConfigProfile,
  isOwnRunner,
  type Profiles,
  plainProfiles,
} from '../options/profiles.js';

function needs(what: string) {
  return { error: `must be ${what}` };
}

const text = z.string(needs('a text')).refine((value) => value.trim() !== '', 'must not be empty');
const count = z.int(needs('an integer ≥ 1')).min(1, 'must be an integer ≥ 1');
const amount = z.number(needs('a number ≥ 0')).min(0, 'must be a number ≥ 0');

const RUNNER = `must be ${RUNNERS.join(', ')}, or a module such as ./my-runner.js`;
const runner = z.custom<string | object>((value) => {
  return (typeof value === 'string' && isRunnerName(value)) || isOwnRunner(value);
}, RUNNER);

const price = z.strictObject(
  {
    inputPerMillion: amount,
    outputPerMillion: amount,
    cachedInputPerMillion: amount.optional(),
    cacheWriteInputPerMillion: amount.optional(),
    perSearch: amount.optional(),
  },
  needs('a price like { inputPerMillion: 1, outputPerMillion: 4 }'),
);

const budgets = {
  budgetTokens: count.optional(),
  budgetCost: z
    .number(needs('an amount in US dollars above 0'))
    .positive('must be an amount in US dollars above 0')
    .optional(),
};

const limits = z.strictObject(
  {
    maxParallel: count.optional(),
    retries: z.int(needs('an integer ≥ 0')).min(0, 'must be an integer ≥ 0').optional(),
    deadline: z
      .string(needs('a duration such as 30s, 5m or 1h'))
      .refine(
        (value) => (parseDuration(value) ?? 0) > 0,
        'must be a duration such as 30s, 5m or 1h',
      )
      .optional(),
    ...budgets,
    resources: z
      .record(
        z.string(),
        z.strictObject(budgets, needs('an object like { budgetCost: 1 }')),
        needs('an object with the limits of each resource'),
      )
      .optional(),
    requestsPerMinute: count.optional(),
    tokensPerMinute: count.optional(),
  },
  needs('an object like { maxParallel: 8, deadline: 5m }'),
);

const config = z.strictObject(
  {
    journal: text.optional(),
    runner: runner.optional(),
    model: text.optional(),
    baseUrl: z
      .url({ protocol: /^https?$/, error: 'must be a URL that starts with http:// or https://' })
      .optional(),
    // Checked by the same code as the profiles of a plan file.
    models: z
      .record(z.string(), z.unknown(), needs('an object with a profile for each name'))
      .optional(),
    prices: z
      .union(
        [text, z.record(z.string(), price)],
        needs('the path of a file, or a price for each model'),
      )
      .optional(),
    strategy: z.enum(STRATEGIES, needs(`one of ${STRATEGIES.join(', ')}`)).optional(),
    limits: limits.optional(),
    cache: text.optional(),
    mcpConfig: text.optional(),
  },
  needs('an object with settings, like { journal: .stratagem }'),
);

export type ConfigValues = z.infer<typeof config>;

type Problem = Pick<PlanProblem, 'code' | 'path' | 'message'>;

/** The settings of a file, or everything that is wrong with them. */
export function checkConfig(
  value: unknown,
): { readonly values: ConfigValues } | { readonly problems: readonly Problem[] } {
  const parsed = config.safeParse(value, { reportInput: true });
  const problems = parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsOf(issue));
  const { models } = Object(value) as { models?: unknown };
  if (models !== undefined) problems.push(...modelProblems(models));
  if (!parsed.success || problems.length > 0) return { problems };
  return { values: parsed.data };
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(path);
    return issue.keys.map((key) => ({
      code: 'unknown_field',
      path: [...path, key],
      message: `unknown setting "${key}".${didYouMean(key, known) || ` Known settings are ${known.join(', ')}.`}`,
    }));
  }
  if (issue.code === 'invalid_union' && typeof issue.input === 'object') {
    const inner = issue.errors.at(-1) ?? [];
    return inner.flatMap((each) =>
      problemsOf({ ...each, path: [...path, ...each.path] } as z.core.$ZodIssue),
    );
  }
  return [{ code: 'invalid_value', path, message: issue.message }];
}

function fieldsAt([first, second]: readonly (string | number)[]): string[] {
  if (first === 'limits' && second === 'resources') return Object.keys(budgets);
  if (first === 'limits') return Object.keys(limits.shape);
  return Object.keys((first === 'prices' ? price : config).shape);
}

/** The problems that the profiles would have in a plan file, and those of their servers. */
function modelProblems(models: unknown): readonly Problem[] {
  if (typeof models !== 'object' || models === null || Array.isArray(models)) return [];
  const servers = Object.entries(models).flatMap(([name, profile]) =>
    serverProblems(name, profile),
  );
  const tasks = [{ id: 'task', description: 'Task' }];
  try {
    parsePlanDocument({ goal: 'Models', tasks, models: plainProfiles(models as Profiles) });
    return servers;
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    return [...error.problems.filter(({ path }) => path.length > 1), ...servers];
  }
}

const server = z.object({
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be a URL that starts with http:// or https://' })
    .optional(),
  apiKeyEnv: z
    .string(needs('the name of an environment variable'))
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
    .optional(),
});

function serverProblems(name: string, profile: unknown): Problem[] {
  const { runner, baseUrl, apiKeyEnv } = Object(profile) as ConfigProfile;
  const given = { ...(baseUrl !== undefined && { baseUrl }), ...(apiKeyEnv && { apiKeyEnv }) };
  const problem = (field: string, message: string): Problem => ({
    ...{ code: 'invalid_value', path: ['models', name, field], message },
  });
  if (Object.keys(given).length > 0 && runner !== 'openai' && runner !== 'anthropic') {
    const [field = ''] = Object.keys(given);
    return [problem(field, 'needs the runner openai or anthropic in the same profile')];
  }
  const issues = server.safeParse({ baseUrl, apiKeyEnv }).error?.issues ?? [];
  return issues.map(({ path, message }) => problem(String(path[0]), message));
}
