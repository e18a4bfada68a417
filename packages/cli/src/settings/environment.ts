import { InvalidArgumentError } from 'commander';
import { UsageError } from '../options/usage-error.js';
import { type Settings, VARIABLES } from './settings.js';

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
