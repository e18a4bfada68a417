import { didYouMean } from '@stratagem/core/runner';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../options/usage-error.js';
import { CONFIG_VARIABLE, type Settings, VARIABLES } from './settings.js';

/**
 * The settings in the variables of the environment; an empty variable is as good as none.
 *
 * @throws {UsageError} naming the variable whose value is wrong.
 */
export function environmentSettings(env: NodeJS.ProcessEnv): Settings {
  const settings: Record<string, unknown> = {};
  for (const { setting, variable, parse } of VARIABLES) {
    const text = env[variable];
    if (text === undefined || text.trim() === '') continue;
    try {
      settings[setting] = parse(text);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new UsageError(`${variable} is invalid: ${error.message}`, { cause: error });
    }
  }
  return settings;
}

const PREFIX = 'STRATAGEM_';

/**
 * A sentence for each variable that looks like a misspelt setting. Others with this prefix may be the user's
 * own, such as the secret input of a plan.
 */
export function misspeltVariables(env: NodeJS.ProcessEnv): string[] {
  const known = [...VARIABLES.map(({ variable }) => variable), CONFIG_VARIABLE];
  const rest = known.map((variable) => variable.slice(PREFIX.length));
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith(PREFIX) || known.includes(name)) return [];
    const own = name.slice(PREFIX.length);
    const words = own.split('_').filter((word) => word.length > 3);
    const alike = rest.find((each) => words.some((word) => each.split('_').includes(word)));
    const [, match = alike] = /"(.+)"/.exec(didYouMean(own, rest)) ?? [];
    if (match === undefined) return [];
    return `${name} is no setting, and has no effect. Did you mean ${PREFIX}${match}?`;
  });
}
