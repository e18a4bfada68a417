import { type Command, Option } from 'commander';
import { COMPLEXITIES, FALLBACKS, LOG_FORMATS, RUNNERS, SERVERS, STRATEGIES } from './choices.js';
import {
  amounts,
  answers,
  caps,
  dollars,
  duration,
  hosts,
  httpUrl,
  integerBetween,
  integerFrom,
  list,
  milliseconds,
  namedValues,
  nonEmpty,
  positiveInteger,
  positiveIntegers,
  runnerOrModule,
} from './parse-values.js';
import { rowOptions } from './row-options.js';

function option<Value>(
  flags: string,
  description: string,
  parse: (text: string, previous: Value) => Value,
): Option {
  return new Option(flags, description).argParser(parse);
}

function choice(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices);
}

const runnerOptions = () => [
  option(
    '--runner <name>',
    `${RUNNERS.join(', ')}, or a module such as ./my-runner.js (default: simulated)`,
    runnerOrModule,
  ),
  option('--model <name>', 'model name (openai, anthropic)', nonEmpty),
  option('--base-url <url>', 'server URL (openai, anthropic)', httpUrl),
  option('--latency <ms>', 'duration of a task in milliseconds (simulated)', milliseconds),
  option('--requests-per-minute <n>', 'limit to N requests per minute', positiveInteger),
  option('--tokens-per-minute <n>', 'limit to N tokens per minute', positiveInteger),
  option('--cache <dir>', 'cache responses in this directory', nonEmpty),
  option('--record <file>', 'record requests and responses, without secrets', nonEmpty),
  option('--replay <file>', 'replay a recording instead of calling a provider', nonEmpty),
  option('--mcp-config <file>', 'MCP servers that provide tools (JSON or YAML)', nonEmpty),
  option('--approve-tools <name>', 'ask before each call of a tool, or of all (repeatable)', list),
];

const limitOptions = () => [
  option('--deadline <duration>', 'fail the plan after this time, such as 30s or 5m', duration),
  option(
    '--budget-tokens <n>',
    'stop before using more than N tokens, or RESOURCE=N: at a model or its profile (repeatable)',
    amounts(positiveInteger),
  ),
  option(
    '--budget-cost <usd>',
    'stop before spending more than this (US dollars), or RESOURCE=USD (repeatable)',
    amounts(dollars),
  ),
  option('--prices <file>', 'prices per million tokens by model (YAML or JSON)', nonEmpty),
];

const retryOptions = () => [
  option('--retries <n>', 'maximum retries after transient errors', integerFrom(0)),
  option('--seed <n>', 'random seed for the delays between retries', integerFrom(0)),
];

const schedulingOptions = () => [
  choice('--strategy <name>', "instead of the plan's (default: parallel)", STRATEGIES),
  option('--max-parallel <n>', 'maximum number of tasks running at once', positiveInteger),
  option('--replan <n>', 'rounds in which the model may add tasks after failures', positiveInteger),
];

const fileOptions = () => [
  option('--report <file>', 'write the run into an HTML file, also when it fails', nonEmpty),
  option('--trace <file>', 'write a trace for Perfetto or Chrome (JSON)', nonEmpty),
];

const stepOptions = () => [
  new Option('--allow-commands', 'run the commands of the plan: only if you trust it'),
  option(
    '--allow-hosts <list>',
    'private hosts that tasks may fetch from, such as localhost:8080',
    hosts,
  ),
  option('--output-dir <dir>', 'where tasks save files (default: output)', nonEmpty),
];

const pageOptions = () => [
  new Option('--ui', 'watch and control the run on a page of this machine'),
  portOption(),
];

const answerOptions = () => [
  option(
    '--approve <id>',
    'approve a task that waits for approval, or its tool calls (repeatable)',
    list,
  ),
  option(
    '--reject <id>',
    'reject a task that waits for a human, or its tool calls (repeatable)',
    list,
  ),
  option('--answer <id=value>', 'answer a task that waits for an answer (repeatable)', answers),
];

const inputOptions = () => [
  option('--input <name=value>', 'value of an input, or @FILE with it (repeatable)', namedValues),
  option('--inputs <file>', 'file with values of inputs (YAML or JSON)', nonEmpty),
];

const planOptions = () => [
  choice(
    '--complexity <kind>',
    'plan one task, or several (default: guess from the goal)',
    COMPLEXITIES,
  ),
  option('--max-depth <n>', 'maximum levels of tasks (default: 3)', integerBetween(1, 8)),
  option('--max-subtasks <n>', 'maximum tasks per list (default: 10)', positiveInteger),
  option('--min-subtasks <n>', 'minimum tasks per list (default: 2)', positiveInteger),
  option('--max-tasks <n>', 'maximum tasks in total (default: 50)', positiveInteger),
  option(
    '--repair-attempts <n>',
    'how often to return an invalid plan to the model (default: 2)',
    integerBetween(0, 10),
  ),
];

const simulationOptions = () => [
  option(
    '--max-parallel <list>',
    'concurrency limits to compare (default: 1,2,4,8,16)',
    positiveIntegers,
  ),
  choice('--strategy <name>', "instead of the plan's (default: parallel)", STRATEGIES),
  choice('--server <kind>', 'server model (default: fixed)', SERVERS),
  option(
    '--capacity <n>',
    'concurrent requests that the server handles well (knee, cpu-bound, overload-*)',
    positiveInteger,
  ),
  option(
    '--requests-per-minute <n>',
    'reject requests beyond this rate with status 429',
    positiveInteger,
  ),
  option(
    '--tokens-per-minute <n>',
    'reject tokens beyond this rate with status 429',
    positiveInteger,
  ),
  option('--latency <ms>', 'duration of tasks without an estimate (default: 1000)', milliseconds),
  option(
    '--tokens <n>',
    'token usage of tasks without an estimate (default: 1000)',
    positiveInteger,
  ),
  option('--items <n>', 'number of items in each forEach list', positiveInteger),
  option(
    '--iterations <n>',
    'iterations of each repeat (default: its maxIterations)',
    positiveInteger,
  ),
  option('--retries <n>', 'maximum retries after transient errors', integerFrom(0)),
  option('--timeout <duration>', 'time limit of an attempt, such as 500ms or 30s', duration),
  option('--seed <n>', 'random seed for latencies and retry delays (default: 0)', integerFrom(0)),
];

const forecastOptions = () => [
  option(
    '--from <run>',
    'forecast from a recorded run: latencies by type and load, failures and costs as they were',
    nonEmpty,
  ),
  journalOption('with --from, where the run is recorded: a directory, postgres://… or redis://…'),
  option(
    '--runs <n>',
    'simulate each limit this many times, for a range (default: 1; 100 with --from)',
    integerBetween(1, 10_000),
  ),
];

/** Adds the options of every command that calls a model. */
export function addModelOptions(command: Command): Command {
  addGroup(command, 'Model:', runnerOptions());
  return addGroup(command, 'Limits and retries:', [...limitOptions(), ...retryOptions()]);
}

const progressOptions = () => [
  new Option('-q, --quiet', 'show nothing unless the run does not complete'),
  choice('--log-format <name>', 'a line per event', LOG_FORMATS),
];

/** Adds the options of a plan that runs for each row. */
export function addMapOptions(command: Command): Command {
  addGroup(command, 'Rows:', rowOptions());
  addGroup(command, 'Progress:', progressOptions());
  const scheduling = schedulingOptions().filter(({ long }) => long !== '--replan');
  addGroup(command, 'Scheduling:', scheduling);
  return addGroup(command, 'Tasks without a model:', stepOptions());
}

/** Adds the options of a plan that runs on test cases. */
export function addTestOptions(command: Command): Command {
  addGroup(command, 'Progress:', progressOptions());
  const scheduling = schedulingOptions().filter(({ long }) => long !== '--replan');
  addGroup(command, 'Scheduling:', scheduling);
  return addGroup(command, 'Tasks without a model:', stepOptions());
}

/** Adds the options of every command that runs a plan. */
export function addSchedulingOptions(command: Command): Command {
  addGroup(command, 'Progress:', progressOptions());
  addGroup(command, 'Watching the run:', [...pageOptions(), ...fileOptions()]);
  addGroup(command, 'Scheduling:', schedulingOptions());
  addGroup(command, 'Tasks without a model:', stepOptions());
  return addGroup(command, 'Answers to human steps:', answerOptions());
}

/** Adds the answers to questions of a run. */
export function addAnswerOptions(command: Command): Command {
  for (const each of answerOptions()) command.addOption(each);
  return command;
}

/** Adds the options that may differ when a run is resumed. */
export function addResumeOptions(command: Command): Command {
  addSchedulingOptions(command);
  addGroup(command, 'Model:', runnerOptions());
  return addGroup(command, 'Limits:', limitOptions());
}

/** Adds the options of a run that is queued. */
export function addSubmitOptions(command: Command): Command {
  addInputOptions(command);
  command.addOption(
    option('--tenant <name>', 'whose run it is: tenants get equal shares', nonEmpty),
  );
  const maxParallel = schedulingOptions().filter(({ long }) => long === '--max-parallel');
  const retries = retryOptions().filter(({ long }) => long === '--retries');
  const failFast = new Option('--fail-fast', 'stop all tasks at the first failure');
  return addGroup(command, 'Limits:', [...maxParallel, failFast, ...limitOptions(), ...retries]);
}

/** Adds the options of a process that carries out queued runs. */
export function addCoordinatorOptions(command: Command): Command {
  const many = 'maximum number of runs at once (default: 16)';
  command.addOption(option('--max-runs <n>', many, positiveInteger));
  command.addOption(plansOption());
  command.addOption(capOption());
  const scheduling = schedulingOptions().filter(({ long }) => long !== '--replan');
  addGroup(command, 'Scheduling:', scheduling);
  addGroup(command, 'Tasks without a model:', stepOptions());
  return addGroup(command, 'Model:', runnerOptions());
}

/** Adds the options that give values to the inputs of a plan. */
export function addInputOptions(command: Command): Command {
  return addGroup(command, 'Inputs:', inputOptions());
}

/** Adds the options that shape a generated plan. */
export function addPlanOptions(command: Command): Command {
  return addGroup(command, 'Planning:', planOptions());
}

export function addSimulationOptions(command: Command): Command {
  for (const each of [...simulationOptions(), ...forecastOptions()]) command.addOption(each);
  return command;
}

/** Adds the options of a comparison: those of a simulation, without a strategy, and a runner. */
export function addComparisonOptions(command: Command): Command {
  const runner = runnerOptions().filter(({ long }) =>
    /^--(runner|model|base-url)$/.test(long ?? ''),
  );
  for (const each of simulationOptions()) {
    if (each.long === '--strategy') continue;
    if (each.long === '--max-parallel') {
      each.description = 'limits of the parallel strategy to compare (default: 2,4,8)';
    }
    command.addOption(each);
  }
  return addGroup(command, 'To run it for real, once for each way:', runner);
}

export function engineOption(description: string): Option {
  return option('--engine <url>', description, nonEmpty);
}

function capOption(): Option {
  const description = 'attempts of a resource at once, on all workers (repeatable)';
  return option('--cap <resource=n>', description, caps);
}

function plansOption(): Option {
  return option('--plans <file>', 'module with plans that have functions (repeatable)', list);
}

/** Adds the options of a process that carries out attempts. */
export function addWorkerOptions(command: Command): Command {
  const many = 'maximum number of attempts at once (default: 16)';
  command.addOption(option('--concurrency <n>', many, positiveInteger));
  command.addOption(plansOption());
  const isStep = ({ long }: Option) => long !== '--output-dir';
  addGroup(command, 'Tasks without a model:', stepOptions().filter(isStep));
  return addGroup(command, 'Model:', runnerOptions());
}

export function journalOption(description: string): Option {
  return option('--journal <dir-or-url>', description, nonEmpty);
}

/** The option of every command that reads a plan file. */
export function outsideOption(): Option {
  return new Option('--allow-outside', 'allow modules outside of the folder of the plan');
}

export function fallbackOption(): Option {
  const description = 'answer to --goal without a plan (default: nothing)';
  return choice('--fallback <kind>', description, FALLBACKS);
}

export function portOption(): Option {
  return option('--port <n>', 'port of the page (default: a free one)', integerBetween(1, 65_535));
}

export function allowReadOption(): Option {
  const description =
    'tasks may attach files of this directory, besides that of the plan (repeatable)';
  return option('--allow-read <dir>', description, list);
}

export function traceOption(): Option {
  return option('--trace <file>', 'also write a trace for Perfetto or Chrome (JSON)', nonEmpty);
}

export function batchPollOption(): Option {
  const description = 'how often to ask whether a batch is done (default: 30s)';
  return option('--batch-poll <duration>', description, duration);
}

export function fileOption(flags: string, description: string): Option {
  return option(flags, description, nonEmpty);
}

/** The option of every command that prints a result; `-` is standard output. */
export function resultOption(): Option {
  return option('-o, --output <file>', 'write the result to this file instead', nonEmpty);
}

export function outputOption(): Option {
  const description = 'write the plan to this file (.yaml, .yml or .json)';
  return option('-o, --output <file>', description, nonEmpty);
}

function addGroup(command: Command, heading: string, options: readonly Option[]): Command {
  for (const each of options) command.addOption(each.helpGroup(heading));
  return command;
}
