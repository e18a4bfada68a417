import type { Settings } from '../settings/settings.js';

/** What the definition of a command needs while it runs. */
export interface Context {
  /** The settings of the environment and the configuration file. */
  readonly settings: Settings;
  /** Reads the settings again. */
  loadSettings(): Promise<Settings>;
  /** Sets the exit code of the process. */
  end(exitCode: number): void;
}

export const PLAN = 'plan file (YAML or JSON), or - for standard input';
export const RUN = 'run id, or the start of one';
