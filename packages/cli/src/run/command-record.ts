import { resolve } from 'node:path';
import type { EventData, Json } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import { shownHeaders } from '@stratagem/core/runner';
import type { LoadedPlan } from '../load/load-plan.js';
import { isRunnerName } from '../options/choices.js';
import type { RunFlags } from '../options/run-flags.js';

/**
 * The command of a run, recorded as `command` of its first event, so that `resume` needs no flags.
 * It never contains a secret: keys come from the environment each time.
 */
export interface CommandRecord {
  /** The plan file; left out when the plan came from standard input. */
  readonly file?: string;
  /** The strategy that the file names. */
  readonly strategy?: StrategySpec;
  /** The profiles of models in the file, without the values of headers. */
  readonly models?: NonNullable<LoadedPlan['models']>;
  readonly flags: RecordedFlags;
}

/** The flags that a resumed run keeps unless they are given again. */
const RECORDED_FLAGS = [
  'strategy',
  'maxParallel',
  'runner',
  'model',
  'baseUrl',
  'latency',
  'retries',
  'prices',
  'requestsPerMinute',
  'tokensPerMinute',
  'cache',
  'record',
  'replay',
  'mcpConfig',
  'approveTools',
  'allowHosts',
  'outputDir',
  'allowRead',
  'replan',
  'reuse',
  'approve',
  'reject',
  'answer',
  'allowOutside',
] as const;

/** Flags with a path, which is recorded as absolute: `resume` may run in another directory. */
const PATH_FLAGS: readonly string[] = [
  ...['prices', 'cache', 'record', 'replay', 'mcpConfig', 'outputDir'],
];

type RecordedFlags = Pick<RunFlags, (typeof RECORDED_FLAGS)[number]> & {
  /** Recorded instead of a base URL with a user, a password or a query. */
  readonly secretBaseUrl?: true;
};

export function createCommandRecord(
  file: string,
  { strategy, models }: Pick<LoadedPlan, 'strategy' | 'models'>,
  flags: RunFlags,
): CommandRecord {
  const recorded: Record<string, unknown> = {};
  for (const name of RECORDED_FLAGS) {
    const value = flags[name];
    // A runner in code comes from the configuration file again.
    if (value === undefined || (name === 'runner' && typeof value === 'object')) continue;
    if (name === 'baseUrl' && hasSecret(flags.baseUrl as string)) recorded.secretBaseUrl = true;
    else if (name === 'allowRead') recorded[name] = flags.allowRead?.map((each) => resolve(each));
    else recorded[name] = isPath(name, value) ? resolve(value as string) : value;
  }
  return {
    ...(file !== '-' && { file: resolve(file) }),
    ...(strategy !== undefined && { strategy }),
    ...(models !== undefined && { models: withoutSecrets(models) }),
    flags: recorded,
  };
}

/** Reads the record from the first event of a run; empty for a run that was started from code. */
export function readCommandRecord(first: EventData | undefined): CommandRecord {
  return (first?.command as unknown as CommandRecord | undefined) ?? { flags: {} };
}

export function addCommandRecord(first: EventData, record: CommandRecord): EventData {
  return { ...first, command: record as unknown as Json };
}

function isPath(name: string, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  return PATH_FLAGS.includes(name) || (name === 'runner' && !isRunnerName(value));
}

function withoutSecrets(models: NonNullable<LoadedPlan['models']>) {
  return Object.fromEntries(
    Object.entries(models).map(([name, { runner, ...profile }]) => {
      const headers = profile.headers && shownHeaders(profile.headers);
      // A runner in code comes from the configuration file again.
      const named = typeof runner === 'string' && { runner };
      return [name, { ...profile, ...named, ...(headers && { headers }) }];
    }),
  );
}

function hasSecret(url: string): boolean {
  const { username, password, search } = new URL(url);
  return username !== '' || password !== '' || search !== '';
}
