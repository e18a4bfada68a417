import { isStratagemError, type TaskOptions, type TaskRunner } from '@stratagem/core';
import type { SharedLimits } from '@stratagem/core/journal';
import { loadRunner } from '../load/load-runner.js';
import { isRunnerName, type RunnerName } from './choices.js';
import type { ConfigProfile, Profiles } from './profiles.js';
import type { RunnerFlags, WrapperFlags } from './run-flags.js';
import { UsageError } from './usage-error.js';
import { runnerWrapper } from './wrap-runner.js';

/** The runners of a command. */
export interface ResolvedRunners {
  /** For tasks without a model. */
  readonly runner: TaskRunner;
  /** By the names of the profiles in the plan file; left out without any. */
  readonly runners?: Readonly<Record<string, TaskRunner>>;
}

/** The profile for tasks without a model, unless the command line names a runner. */
const DEFAULT = 'default';

/** The runner of the command line with its wrappers; loads only the packages that it needs. */
export async function resolveRunner(flags: RunnerFlags & WrapperFlags): Promise<TaskRunner> {
  const { runner } = await resolveRunners(flags, undefined);
  return runner;
}

/**
 * The runner of the command line, and those of the profiles in a plan file, with the wrappers of the
 * command line: they share its rate limits.
 *
 * @param shared Where processes keep the rate limits together.
 * @throws {UsageError} when an option has no effect, or a profile is invalid.
 */
export async function resolveRunners(
  flags: RunnerFlags & WrapperFlags,
  profiles: Profiles | undefined,
  shared?: SharedLimits,
): Promise<ResolvedRunners> {
  const wrap = await runnerWrapper(flags, shared);
  const provider = await resolveProvider(flags);
  if (profiles === undefined) return { runner: wrap(provider) };
  const runners: Record<string, TaskRunner> = {};
  for (const [name, profile] of Object.entries(profiles)) {
    // A recording answers for every runner.
    const own = flags.replay === undefined ? await ofProfile(name, profile, provider) : provider;
    runners[name] = wrap(own);
  }
  const isGiven = flags.runner !== undefined || flags.replay !== undefined;
  const runner = isGiven ? undefined : runners[DEFAULT];
  return { runner: runner ?? wrap(provider), runners };
}

/** Whether tasks without a model go to the simulated one because nothing else was said. */
export function isSimulatedByDefault(
  { runner, replay }: RunnerFlags,
  profiles: Profiles | undefined,
): boolean {
  if (replay !== undefined || (runner ?? 'simulated') !== 'simulated') return false;
  return runner !== undefined || profiles?.[DEFAULT] === undefined;
}

async function ofProfile(
  name: string,
  { runner, baseUrl, apiKeyEnv, ...options }: ConfigProfile,
  provider: TaskRunner,
): Promise<TaskRunner> {
  try {
    if (runner === 'openai' || runner === 'anthropic') {
      return await createProvider(runner, { ...options, ...serverOf(name, baseUrl, apiKeyEnv) });
    }
    const { withOptions } = await import('@stratagem/runners');
    return withOptions(await baseOf(runner, provider), options as TaskOptions);
  } catch (error) {
    if (!isStratagemError(error)) throw error;
    throw new UsageError(`models.${name}: ${error.message}`, { cause: error });
  }
}

/** The runner that a profile has its options for. */
async function baseOf(runner: ConfigProfile['runner'], provider: TaskRunner): Promise<TaskRunner> {
  if (runner === undefined) return provider;
  if (typeof runner === 'object') return runner;
  return isRunnerName(runner) ? createProvider(runner, {}) : loadRunner(runner);
}

/**
 * The server of a profile. The usual key belongs to the usual server: another one gets the key that the
 * profile names, or none.
 */
function serverOf(
  name: string,
  baseURL: string | undefined,
  apiKeyEnv: string | undefined,
): object {
  const apiKey = apiKeyEnv === undefined ? undefined : process.env[apiKeyEnv];
  if (apiKeyEnv !== undefined && !apiKey) {
    throw new UsageError(
      `models.${name}: the environment variable ${apiKeyEnv} has no key; set it`,
    );
  }
  const key = apiKey ?? (baseURL === undefined ? undefined : 'none');
  return { ...(baseURL !== undefined && { baseURL }), ...(key !== undefined && { apiKey: key }) };
}

async function createProvider(name: RunnerName, options: object): Promise<TaskRunner> {
  switch (name) {
    case 'openai':
      return (await import('@stratagem/openai')).openai(options);
    case 'anthropic':
      return (await import('@stratagem/anthropic')).anthropic(options);
    case 'simulated':
      return (await import('@stratagem/simulated')).simulated(options);
  }
}

async function resolveProvider(flags: RunnerFlags): Promise<TaskRunner> {
  if (flags.replay !== undefined) return resolveReplay(flags.replay, flags);
  const { runner = 'simulated', model, modelOption = '--model', baseUrl, latency } = flags;
  if (typeof runner === 'object') return withModel(runner, flags, `the runner ${runner.name}`);
  const isSimulated = runner === 'simulated';
  const given = `--runner ${runner}`;
  if (!isSimulated && latency !== undefined) throw noEffect('--latency', given);
  if (isSimulated && model !== undefined) {
    throw noEffect(modelOption, given, 'choose a provider, such as --runner openai, or remove it');
  }
  const hasServer = isRunnerName(runner) && !isSimulated;
  if (!hasServer && baseUrl !== undefined) throw noEffect('--base-url', given);
  if (isRunnerName(runner)) {
    return createProvider(runner, {
      ...(model !== undefined && { model }),
      ...(baseUrl !== undefined && { baseURL: baseUrl }),
      ...(latency !== undefined && { latencyMs: latency }),
    });
  }
  return withModel(await loadRunner(runner), flags, given);
}

/** A runner of the user's own, which may not know the options of providers. */
async function withModel(
  own: TaskRunner,
  { model, modelOption = '--model', baseUrl, latency }: RunnerFlags,
  given: string,
): Promise<TaskRunner> {
  if (latency !== undefined) throw noEffect('--latency', given);
  if (baseUrl !== undefined) throw noEffect('--base-url', given);
  if (model === undefined) return own;
  if (!own.supportedOptions?.includes('model')) throw noEffect(modelOption, given);
  const { withOptions } = await import('@stratagem/runners');
  return withOptions(own, { model });
}

async function resolveReplay(file: string, flags: RunnerFlags): Promise<TaskRunner> {
  const options = {
    runner: '--runner',
    model: flags.modelOption ?? '--model',
    baseUrl: '--base-url',
    latency: '--latency',
  } as const;
  for (const name of Object.keys(options) as (keyof typeof options)[]) {
    if (flags[name] !== undefined) throw noEffect(options[name], '--replay');
  }
  const { replay } = await import('@stratagem/runners');
  return replay({ file });
}

function noEffect(option: string, beside: string, remedy = 'remove it'): UsageError {
  return new UsageError(`${option} has no effect with ${beside}: ${remedy}`);
}
