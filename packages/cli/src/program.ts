import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { GRAPH_FORMATS, type GraphFormat, RUNNERS, SERVERS, STRATEGIES } from './choices.js';
import { parseDuration } from './duration.js';
import type { RunFlags } from './run-command.js';
import type { SimulateFlags } from './simulate-command.js';

interface GoalFlags extends RunFlags {
  readonly goal?: string;
}

const MAX_LATENCY_MS = 86_400_000;
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
  stratagem graph plan.yaml --format dot | dot -Tsvg > plan.svg
  stratagem simulate plan.yaml --max-parallel 4,8,16 --requests-per-minute 60`,
    );

  program
    .command('run')
    .description('run a plan; progress goes to standard error, the result to standard output')
    .argument('[plan]', PLAN)
    .option('--goal <text>', 'let the model make the plan, in place of a file')
    .option('--yes', 'run that plan without asking')
    .addOption(
      new Option('--replan <rounds>', 'let the model add tasks when some fail').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--strategy <name>', "over the file's own (default: parallel)").choices(
        STRATEGIES,
      ),
    )
    .addOption(
      new Option('--max-parallel <n>', 'the most tasks that run at once').argParser(wholeNumber),
    )
    .addOption(
      new Option('--runner <name>', 'what does the tasks (default: simulated)').choices(RUNNERS),
    )
    .addOption(new Option('--model <name>', 'the model (openai, anthropic)').argParser(notEmpty))
    .addOption(new Option('--base-url <url>', 'the server (openai, anthropic)').argParser(httpUrl))
    .addOption(
      new Option('--latency <ms>', 'milliseconds a task takes (simulated)').argParser(milliseconds),
    )
    .option('--fail-fast', 'stop everything at the first failed task')
    .addOption(
      new Option('--deadline <duration>', 'stop the plan after 500ms, 30s, 5m, 1h').argParser(
        duration,
      ),
    )
    .addOption(
      new Option('--retries <n>', 'how often to repeat attempts after passing errors').argParser(
        wholeNumberFrom(0),
      ),
    )
    .addOption(
      new Option('--seed <n>', 'the same seed, the same waits between attempts').argParser(
        wholeNumberFrom(0),
      ),
    )
    .addOption(
      new Option('--budget-tokens <n>', 'stop before more tokens are used').argParser(wholeNumber),
    )
    .addOption(
      new Option('--budget-cost <usd>', 'stop before more US dollars are spent').argParser(dollars),
    )
    .addOption(
      new Option(
        '--prices <file>',
        'US dollars per million tokens by model, in YAML or JSON',
      ).argParser(notEmpty),
    )
    .addOption(
      new Option('--requests-per-minute <n>', 'hold requests back to this rate').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--tokens-per-minute <n>', 'hold requests back to this rate of tokens').argParser(
        wholeNumber,
      ),
    )
    .addOption(
      new Option('--cache <dir>', 'answer from this directory what was asked before').argParser(
        notEmpty,
      ),
    )
    .addOption(
      new Option(
        '--record <file>',
        'write requests and answers to this file, secrets scrubbed',
      ).argParser(notEmpty),
    )
    .addOption(
      new Option('--replay <file>', 'answer from such a file, in place of a runner').argParser(
        notEmpty,
      ),
    )
    .addOption(
      new Option(
        '--mcp-config <file>',
        'tools for the tasks: MCP servers, in JSON or YAML',
      ).argParser(notEmpty),
    )
    .addOption(
      new Option('--approve <id>', 'approve a task that will ask (repeatable)').argParser(list),
    )
    .addOption(
      new Option('--reject <id>', 'refuse a task that will ask (repeatable)').argParser(list),
    )
    .addOption(
      new Option('--answer <id=value>', 'answer a task that will ask (repeatable)').argParser(
        answers,
      ),
    )
    .option('--json', 'print the result as one JSON document')
    .action(async (file: string | undefined, flags: GoalFlags, command: Command) => {
      const { goal } = flags;
      if (goal !== undefined) {
        if (file !== undefined) command.error('error: give a plan, or --goal for one, not both');
        const { goalCommand } = await import('./goal-command.js');
        finish(await goalCommand(goal, flags));
        return;
      }
      if (file === undefined) {
        command.error("error: missing required argument 'plan', or --goal for one");
      }
      const { runCommand } = await import('./run-command.js');
      finish(await runCommand(file, flags));
    });

  program
    .command('validate')
    .description('check a plan and list everything that is wrong with it')
    .argument('<plan>', PLAN)
    .action(async (file: string) => {
      const { validateCommand } = await import('./plan-commands.js');
      finish(await validateCommand(file));
    });

  program
    .command('graph')
    .description('print the graph of a plan')
    .argument('<plan>', PLAN)
    .addOption(new Option('--format <name>', 'how').choices(GRAPH_FORMATS).default('mermaid'))
    .action(async (file: string, { format }: { format: GraphFormat }) => {
      const { graphCommand } = await import('./plan-commands.js');
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
      const { simulateCommand } = await import('./simulate-command.js');
      finish(await simulateCommand(file, flags));
    });

  return program;
}

function wholeNumber(text: string): number {
  return wholeNumberFrom(1)(text);
}

function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  };
}

/** `4,8,16` */
function wholeNumbers(text: string): number[] {
  return [...new Set(text.split(',').map((each) => wholeNumber(each.trim())))];
}

function dollars(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a number of US dollars above 0.');
}

/** Collects an option that may be given more than once. */
function list(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

interface GivenAnswer {
  readonly id: string;
  readonly value: string;
}

function answers(text: string, before: readonly GivenAnswer[] = []): GivenAnswer[] {
  const [id = '', ...rest] = text.split('=');
  if (id !== '' && rest.length > 0) return [...before, { id, value: rest.join('=') }];
  throw new InvalidArgumentError('It must be the id of a task, =, and the answer.');
}

function notEmpty(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It is empty.');
}

function httpUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('It must be a URL that begins with http:// or https://.');
}

function milliseconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) <= MAX_LATENCY_MS) return Number(text);
  throw new InvalidArgumentError('It must be a number of milliseconds, at most those of a day.');
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && Number.isFinite(ms)) return ms;
  throw new InvalidArgumentError('It must be a duration such as 500ms, 30s, 5m or 1h.');
}

function versionOfPackage(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
