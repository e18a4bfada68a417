import { homedir } from 'node:os';
import { UsageError } from '../options/usage-error.js';
import { write } from '../output/streams.js';
import { forTerminal } from '../output/terminal-text.js';
import { environmentSettings, misspeltVariables } from './environment.js';
import { CONFIG_VARIABLE, JOURNAL_VARIABLE, layered, type Settings } from './settings.js';

/** The options that stand beside every command. */
export interface GlobalFlags {
  /** The path of the configuration file; `false` for none. */
  readonly config?: string | false;
  readonly envFile?: string;
}

/**
 * Reads the environment, with the variables of `--env-file`, and the configuration file.
 *
 * @throws {UsageError} when a value or a file is wrong.
 */
export async function loadSettings({ config, envFile }: GlobalFlags): Promise<Settings> {
  const { env } = process;
  const isKept = env[JOURNAL_VARIABLE] !== undefined;
  if (envFile !== undefined) {
    const { loadEnvFile } = await import('./env-file.js');
    await loadEnvFile(envFile, env);
  }
  for (const warning of misspeltVariables(env)) {
    await write(process.stderr, `stratagem: ${forTerminal(warning)}\n`);
  }
  const file = await configFile(config, env[CONFIG_VARIABLE]);
  const fromFile = file === undefined ? {} : await fromConfig(file);
  const settings = layered(environmentSettings(env), fromFile);
  requireRunner(settings);
  const isForOnce = env[JOURNAL_VARIABLE] === undefined ? typeof config === 'string' : !isKept;
  return {
    ...settings,
    ...(envFile !== undefined && { envFile }),
    ...(isForOnce && { isJournalForOnce: true as const }),
  };
}

/** A model or a server without its runner would be left out without a word. */
function requireRunner({ runner, model, baseUrl }: Settings): void {
  if (runner !== undefined || (model ?? baseUrl) === undefined) return;
  const setting = model === undefined ? 'baseUrl' : 'model';
  const remedy = 'set runner, or STRATAGEM_RUNNER, too';
  throw new UsageError(`the setting ${setting} needs the runner that it belongs to: ${remedy}`);
}

async function configFile(
  config: string | false | undefined,
  variable: string | undefined,
): Promise<string | undefined> {
  if (config === false) return undefined;
  if (config !== undefined) return config;
  if (variable !== undefined && variable.trim() !== '') return variable;
  const { findConfig } = await import('./find-config.js');
  return findConfig(process.cwd(), homedir());
}

/** Its code is loaded only where there is a file, so that commands without one start quickly. */
async function fromConfig(file: string): Promise<Settings> {
  const { loadConfig } = await import('./load-config.js');
  return loadConfig(file, process.cwd());
}
