/**
 * The arguments of a tool step. A text that is one reference, such as `'{{inputs.company}}'`, stands for
 * the value itself, whatever its type; references within a longer text are filled in as text. A function
 * makes the arguments in code, from the inputs of the task.
 */
export type StepArgs =
  | Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
  | ((inputs: any) => Readonly<Record<string, unknown>>);

/**
 * A program and its arguments, or these with settings. No shell reads them, so that a value cannot become
 * another argument or another command.
 */
export type Command = readonly string[] | CommandSettings;

/** A program, its arguments and what it gets besides. Each text may contain references. */
export interface CommandSettings {
  /** The program, then its arguments. The program itself has no references. */
  readonly argv: readonly string[];
  /**
   * The directory to run in, relative to that of the command runner.
   * @default that of the command runner
   */
  readonly cwd?: string | undefined;
  /** Environment variables besides the few that the command runner passes on. The place for secrets. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * What the program reads from its standard input: text as it is, other values as JSON.
   * @default nothing
   */
  readonly stdin?: string | undefined;
  /**
   * How its standard output is read: as text, without the line break at the end, or as JSON.
   * @default 'text'
   */
  readonly output?: (typeof COMMAND_OUTPUTS)[number] | undefined;
}

export const COMMAND_OUTPUTS = ['text', 'json'] as const;

/** A command as it runs, with all references filled in. */
export interface CommandCall {
  readonly argv: readonly string[];
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | undefined;
  readonly output: 'text' | 'json';
}

/** A command with its defaults filled in. */
export function commandOf(command: Command): CommandSettings {
  return Array.isArray(command) ? { argv: command } : (command as CommandSettings);
}
