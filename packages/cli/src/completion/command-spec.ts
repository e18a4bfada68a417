import type { Argument, Command, Option } from 'commander';
import { onOneLine } from '../output/terminal-text.js';

/** What can be completed after an option, or at the place of an argument. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'files' | 'folders' | 'text' };

export interface OptionSpec {
  /** `-q`, without a value. */
  readonly short?: string;
  /** `--quiet` */
  readonly long: string;
  readonly description: string;
  /** Undefined for an option without a value. */
  readonly values?: Values;
  /** The name of the value in the help: `file`. */
  readonly placeholder?: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionSpec[];
  /** Of each argument; the last one may be repeated. */
  readonly argument: readonly { readonly name: string; readonly values: Values }[];
}

export interface ProgramSpec {
  readonly name: string;
  /** The options beside every command. */
  readonly options: readonly OptionSpec[];
  readonly commands: readonly CommandSpec[];
}

/** The commands and options of the program, as its help has them. */
export function programSpec(program: Command): ProgramSpec {
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const names = commands.map((command) => command.name());
  return {
    name: program.name(),
    options: help.visibleOptions(program).map(optionSpec),
    commands: commands.map((command) => ({
      name: command.name(),
      description: onOneLine(command.description()),
      options: help.visibleOptions(command).map(optionSpec),
      argument: command.registeredArguments.map((argument) => ({
        name: argument.name(),
        values: valuesOfArgument(argument, names),
      })),
    })),
  };
}

function optionSpec({ short, long, flags, description, argChoices }: Option): OptionSpec {
  const [, placeholder] = /[<[]([^>\]]+)[>\]]/.exec(flags) ?? [];
  return {
    ...(short !== undefined && { short }),
    long: long as string,
    description: onOneLine(description),
    ...(placeholder !== undefined && { placeholder, values: valuesOf(placeholder, argChoices) }),
  };
}

function valuesOf(placeholder: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { kind: 'words', words: choices };
  if (placeholder === 'file') return { kind: 'files' };
  return { kind: placeholder.startsWith('dir') ? 'folders' : 'text' };
}

function valuesOfArgument(argument: Argument, commands: readonly string[]): Values {
  const { argChoices: choices } = argument;
  const name = argument.name();
  if (choices !== undefined) return { kind: 'words', words: choices };
  if (name === 'command') return { kind: 'words', words: commands };
  return { kind: /^(plans?|file)$/.test(name) ? 'files' : 'text' };
}
