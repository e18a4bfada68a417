import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { fileOption } from './options/option-groups.js';
import { forTerminal } from './output/terminal-text.js';
import type { Context } from './program/context.js';
import { addPlanCommands, addRunCommands } from './program/plans.js';
import { addRecordCommands } from './program/records.js';
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
    end: setExitCode,
  };
  const program = new Command('stratagem')
    .description('Run, validate, draw and simulate plans of LLM tasks.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addOption(
      fileOption(
        '--config <file>',
        'configuration file (default: the stratagem.config.* of the project)',
      ),
    )
    .option('--no-config', 'use no configuration file')
    .addOption(fileOption('--env-file <file>', 'read variables of the environment from this file'))
    .configureOutput({ outputError: (text, print) => print(forTerminal(text)) })
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showHelpAfterError('(see stratagem --help)')
    .addHelpText('after', EXPLANATIONS);

  program.commandsGroup('Run plans:');
  addRunCommands(program, context);
  program.commandsGroup('Look at plans:');
  addPlanCommands(program, context);
  program.commandsGroup('Recorded runs:');
  addRecordCommands(program, context);

  for (const each of program.commands) {
    each.showHelpAfterError(`(see stratagem ${each.name()} --help)`);
    each.hook('preAction', async () => {
      settings = await loadSettings(program.opts<GlobalFlags>());
    });
  }
  return program;
}

const EXPLANATIONS = `
Exit codes:
  0    completed
  1    the plan failed
  2    usage error or invalid plan
  130  interrupted (Ctrl-C)
  143  terminated (SIGTERM)

When a task waits for a human, stratagem asks on the terminal. Without a
terminal, use --approve, --reject or --answer. A plan that the model makes for
--goal is confirmed on the terminal; without one, use --yes.

Examples:
  stratagem run plan.yaml
  stratagem run plan.yaml --runner openai --max-parallel 8 --deadline 5m
  stratagem run --goal "Compare three databases" --runner openai
  stratagem run plan.yaml --journal .stratagem
  stratagem run plan.yaml --input company=Apple --input text=@notes.txt
  stratagem run plan.yaml --ui --report run.html
  stratagem ui --journal .stratagem
  stratagem plan "Compare three databases" -o plan.yaml
  stratagem graph plan.yaml --format dot | dot -Tsvg > plan.svg
  stratagem simulate plan.yaml --max-parallel 4,8 --requests-per-minute 60`;

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
