import type { TaskRunner } from '@stratagem/core';
import type { ModelProfile } from '@stratagem/core/document';

/**
 * A profile of the configuration file. Besides what a plan file may say, it may name a server, the key
 * for it, and code: the user of the command owns that file, while a plan may come from anywhere.
 */
export interface ConfigProfile extends Omit<ModelProfile, 'runner'> {
  /** A provider, the path of a module that exports a runner, or, in code, a runner. */
  readonly runner?: string | TaskRunner | undefined;
  /** The server URL, for `openai` and `anthropic`. */
  readonly baseUrl?: string | undefined;
  /** The environment variable that has the key for `baseUrl`. */
  readonly apiKeyEnv?: string | undefined;
}

export type Profiles = Readonly<Record<string, ModelProfile | ConfigProfile>>;

/** The profiles with the fields alone that a plan file may have, for its checks. */
export function plainProfiles(profiles: Profiles): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(profiles).map(([name, profile]) => [name, plainProfile(profile)]),
  );
}

/** A profile without what only the configuration file may say. */
function plainProfile(profile: unknown): unknown {
  if (typeof profile !== 'object' || profile === null || Array.isArray(profile)) return profile;
  const { baseUrl: _, apiKeyEnv: __, runner, ...options } = profile as ConfigProfile;
  return isOwnRunner(runner) || runner === undefined ? options : { ...options, runner };
}

/** Whether this is code: a runner, or the path of a module. */
export function isOwnRunner(runner: unknown): boolean {
  if (typeof runner === 'string') return /[\\/]|\.[cm]?[jt]s$/.test(runner);
  const { name, run } = Object(runner) as { name?: unknown; run?: unknown };
  return typeof name === 'string' && typeof run === 'function';
}
