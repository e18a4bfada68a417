import { resolve } from 'node:path';
import type { EventData, Json } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import type { RunFlags } from '../commands/run.js';

/**
 * What the command line adds to the record of a run, so that it can go on without being told again:
 * with the first event, as `command`. Never a secret: keys come from the environment each time.
 */
export interface CommandRecord {
  /** The plan file; left out when the plan came from standard input. */
  readonly file?: string;
  /** The strategy that the file names. */
  readonly strategy?: StrategySpec;
  readonly flags: RecordedFlags;
}

/** The options that a run goes on with unless it is given others. */
const RECORDED = [
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
  'replan',
  'reuse',
  'approve',
  'reject',
  'answer',
] as const;

/** Of those, the ones that name a file or folder: it is to be found from any other folder. */
const PATHS: readonly string[] = ['prices', 'cache', 'record', 'replay', 'mcpConfig'];

export type RecordedFlags = Pick<RunFlags, (typeof RECORDED)[number]> & {
  /** Stands in place of a base URL that had a user, a password or a query. */
  readonly secretBaseUrl?: true;
};

export function recordOf(
  file: string,
  strategy: StrategySpec | undefined,
  flags: RunFlags,
): CommandRecord {
  const recorded: Record<string, unknown> = {};
  for (const name of RECORDED) {
    const value = flags[name];
    if (value === undefined) continue;
    if (name === 'baseUrl' && hasSecret(flags.baseUrl as string)) recorded.secretBaseUrl = true;
    else recorded[name] = PATHS.includes(name) ? resolve(value as string) : value;
  }
  return {
    ...(file !== '-' && { file: resolve(file) }),
    ...(strategy !== undefined && { strategy }),
    flags: recorded,
  };
}

/** What was recorded with the first event of a run; nothing for one that was started from code. */
export function recordIn(first: EventData | undefined): CommandRecord {
  return (first?.command as unknown as CommandRecord | undefined) ?? { flags: {} };
}

export function withRecord(first: EventData, record: CommandRecord): EventData {
  return { ...first, command: record as unknown as Json };
}

function hasSecret(url: string): boolean {
  const { username, password, search } = new URL(url);
  return username !== '' || password !== '' || search !== '';
}
