import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { fileOption } from './options/option-groups.js';
import { forTerminal } from './output/terminal-text.js';
import type { Context } from './program/context.js';
import { addDataSetCommands } from './program/data-sets.js';
import { EXPLANATIONS, HELP } from './program/help.js';
import { addPlanCommands, addRunCommands } from './program/plans.js';
import { addQueueCommands } from './program/queue.js';
import { addRecordCommands } from './program/records.js';
import { addShellCommands } from './program/shell.js';
import { type GlobalFlags, loadSettings } from './settings/load-settings.js';
import type { Settings } from './settings/settings.js';

/**
 * Creates the command line. The code of a command is loaded when the command runs, so that `--help`
 * is quick.
 *
 * @param setExitCode Receives the exit code of the command that ran.
 */
export function createProgram(setExitCode: (exitCode: number) => void): Command {
  let settings: Settings = {};
  const context: Context = {
    get settings() {
      return settings;
    },
    loadSettings: () => loadSettings(program.opts<GlobalFlags>()),
    end: setExitCode,
  };
  const program = new Command('stratagem')
    .description('Run, validate, draw and simulate plans of LLM tasks.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpCommand(
      new Command('help')
        .argument('[command]')
        .description('print the help of a command')
        .helpGroup('Command line:'),
    )
    .addOption(fileOption('--config <file>', 'settings file (default: stratagem.config.*)'))
    .option('--no-config', 'use no settings file')
    .addOption(fileOption('--env-file <file>', 'read environment variables from this file'))
    .configureOutput({ outputError: (text, print) => print(forTerminal(text)) })
    .configureHelp(HELP)
    .usage('<command> [options]')
    .exitOverride()
    .showHelpAfterError('(see stratagem --help)')
    .addHelpText('after', EXPLANATIONS);

  program.commandsGroup('Run plans:');
  addRunCommands(program, context);
  addDataSetCommands(program, context);
  program.commandsGroup('Look at plans:');
  addPlanCommands(program, context);
  program.commandsGroup('Recorded runs:');
  addRecordCommands(program, context);
  program.commandsGroup('Many machines:');
  addQueueCommands(program, context);
  program.commandsGroup('Command line:');
  addShellCommands(program, context);

  for (const each of program.commands) {
    each.showHelpAfterError(`(see stratagem ${each.name()} --help)`);
    each.hook('preAction', async () => {
      settings = await context.loadSettings();
    });
  }
  return program;
}

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
