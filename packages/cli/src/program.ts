import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { PlanFlags } from './commands/plan.js';
import type { RunFlags } from './commands/run.js';
import type { SimulateFlags } from './commands/simulate.js';
import { addJournalCommands } from './journal-commands.js';
import {
  COMPLEXITIES,
  GRAPH_FORMATS,
  type GraphFormat,
  SERVERS,
  STRATEGIES,
} from './options/choices.js';
import { addModelOptions, addRunOptions } from './options/option-groups.js';
import {
  depth,
  duration,
  milliseconds,
  notEmpty,
  repairs,
  wholeNumber,
  wholeNumberFrom,
  wholeNumbers,
} from './options/parse-values.js';

interface GoalFlags extends RunFlags {
  readonly goal?: string;
}

const PLAN = 'a YAML or JSON file, or - for standard input';

/**
 * The command line. Each command's code is loaded when it is called, so that `--help` is quick.
 *
 * @param finish Receives the exit code of the command that ran.
 */
export function createProgram(finish: (exitCode: number) => void): Command {
  const program = new Command('stratagem')
    .description('Runs, checks, draws and simulates plans of LLM tasks.')
    .version(versionOfPackage(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('(stratagem --help says more)')
    .addHelpText(
      'after',
      `
Exit codes: 0 completed, 1 the plan failed, 2 bad usage or a bad plan, 130 canceled (Ctrl-C).
A task that waits for a human is asked about on the terminal; without one, give --approve,
--reject or --answer. So is a plan that the model made for --goal; without a terminal, give --yes.

Examples:
  stratagem run plan.yaml
  stratagem run plan.yaml --runner openai --max-parallel 8 --deadline 5m
  stratagem run --goal "Compare three databases, then recommend one" --runner openai
  stratagem run plan.yaml --journal .stratagem
  stratagem plan "Compare three databases, then recommend one" -o plan.yaml
  stratagem graph plan.yaml --format dot | dot -Tsvg > plan.svg
  stratagem simulate plan.yaml --max-parallel 4,8,16 --requests-per-minute 60`,
    );

  const run = program
    .command('run')
    .description('run a plan; progress goes to standard error, the result to standard output')
    .argument('[plan]', PLAN)
    .option('--goal <text>', 'let the model make the plan, in place of a file')
    .option('--yes', 'run that plan without asking');
  addModelOptions(addRunOptions(run))
    .option('--fail-fast', 'stop everything at the first failed task')
    .addOption(
      new Option('--journal <dir>', 'record the run here, so that it can be resumed').argParser(
        notEmpty,
      ),
    )
    .option('--reuse', 'take outputs of earlier runs in the journal for tasks that are unchanged')
    .option('--dry', 'run nothing: say what would run, and why')
    .option('--json', 'print the result as one JSON document')
    .action(async (file: string | undefined, flags: GoalFlags, command: Command) => {
      const { goal } = flags;
      if (goal !== undefined) {
        if (file !== undefined) command.error('error: give a plan, or --goal for one, not both');
        const { goalCommand } = await import('./commands/run-goal.js');
        finish(await goalCommand(goal, flags));
        return;
      }
      if (file === undefined) {
        command.error("error: missing required argument 'plan', or --goal for one");
      }
      const { runCommand } = await import('./commands/run.js');
      finish(await runCommand(file, flags));
    });

  const plan = program
    .command('plan')
    .description('let the model make a plan, and print it as a plan file; nothing of it is run')
    .argument('<goal>', 'what the plan is to reach')
    .addOption(
      new Option('-o, --output <file>', 'write the plan to this file, in YAML or JSON').argParser(
        notEmpty,
      ),
    )
    .option('--force', 'write over a file that is there')
    .addOption(
      new Option('--complexity <kind>', 'one task, or many (default: judged by the words)').choices(
        COMPLEXITIES,
      ),
    )
    .addOption(new Option('--max-depth <n>', 'levels of subtasks (default: 3)').argParser(depth))
    .addOption(
      new Option('--max-subtasks <n>', 'the most tasks in a list (default: 10)').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--min-subtasks <n>', 'the fewest tasks in a list (default: 2)').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--max-tasks <n>', 'the most tasks in all (default: 50)').argParser(wholeNumber),
    )
    .addOption(
      new Option(
        '--repair-attempts <n>',
        'how often to send a bad answer back (default: 2)',
      ).argParser(repairs),
    );
  addModelOptions(plan)
    .option('--json', 'print the plan and how it came about as one JSON document')
    .action(async (goal: string, flags: PlanFlags) => {
      const { planCommand } = await import('./commands/plan.js');
      finish(await planCommand(goal, flags));
    });

  addJournalCommands(program, finish);

  program
    .command('validate')
    .description('check a plan and list everything that is wrong with it')
    .argument('<plan>', PLAN)
    .action(async (file: string) => {
      const { validateCommand } = await import('./commands/validate.js');
      finish(await validateCommand(file));
    });

  program
    .command('graph')
    .description('print the graph of a plan')
    .argument('<plan>', PLAN)
    .addOption(new Option('--format <name>', 'how').choices(GRAPH_FORMATS).default('mermaid'))
    .action(async (file: string, { format }: { format: GraphFormat }) => {
      const { graphCommand } = await import('./commands/validate.js');
      finish(await graphCommand(file, format));
    });

  program
    .command('simulate')
    .description('say how long a plan would take, in virtual time: nothing runs, nothing costs')
    .argument('<plan>', PLAN)
    .addOption(
      new Option('--max-parallel <list>', 'the caps to compare (default: 1,2,4,8,16)').argParser(
        wholeNumbers,
      ),
    )
    .addOption(
      new Option('--strategy <name>', "over the file's own (default: parallel)").choices(
        STRATEGIES,
      ),
    )
    .addOption(
      new Option('--server <kind>', 'how the server behaves (default: fixed)').choices(SERVERS),
    )
    .addOption(
      new Option('--capacity <n>', 'how many requests it takes well (knee, …)').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--requests-per-minute <n>', 'answer more requests 429').argParser(wholeNumber),
    )
    .addOption(
      new Option('--tokens-per-minute <n>', 'answer more tokens 429').argParser(wholeNumber),
    )
    .addOption(
      new Option(
        '--latency <ms>',
        'what a task takes without an estimate (default: 1000)',
      ).argParser(milliseconds),
    )
    .addOption(
      new Option('--tokens <n>', 'what a task uses without an estimate (default: 1000)').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--elements <n>', 'how many elements the list of a forEach has').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--retries <n>', 'how often to repeat attempts after passing errors').argParser(
        wholeNumberFrom(0),
      ),
    )
    .addOption(
      new Option('--timeout <duration>', 'give an attempt up after 500ms, 30s, 5m').argParser(
        duration,
      ),
    )
    .addOption(
      new Option('--seed <n>', 'another seed, other latencies and waits (default: 0)').argParser(
        wholeNumberFrom(0),
      ),
    )
    .option('--json', 'print the rows as one JSON document')
    .action(async (file: string, flags: SimulateFlags) => {
      const { simulateCommand } = await import('./commands/simulate.js');
      finish(await simulateCommand(file, flags));
    });

  return program;
}

function versionOfPackage(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
