import { type Command, Option } from 'commander';
import { RUNNERS, STRATEGIES } from './choices.js';
import {
  answers,
  dollars,
  duration,
  httpUrl,
  list,
  milliseconds,
  notEmpty,
  wholeNumber,
  wholeNumberFrom,
} from './parse-values.js';

/** Which model is asked. */
const RUNNER_OPTIONS = () => [
  new Option('--runner <name>', 'what does the tasks (default: simulated)').choices(RUNNERS),
  new Option('--model <name>', 'the model (openai, anthropic)').argParser(notEmpty),
  new Option('--base-url <url>', 'the server (openai, anthropic)').argParser(httpUrl),
  new Option('--latency <ms>', 'milliseconds a task takes (simulated)').argParser(milliseconds),
];

/** How far a run may go. */
const LIMIT_OPTIONS = () => [
  new Option('--deadline <duration>', 'stop the plan after 500ms, 30s, 5m, 1h').argParser(duration),
  new Option('--budget-tokens <n>', 'stop before more tokens are used').argParser(wholeNumber),
  new Option('--budget-cost <usd>', 'stop before more US dollars are spent').argParser(dollars),
  new Option(
    '--prices <file>',
    'US dollars per million tokens by model, in YAML or JSON',
  ).argParser(notEmpty),
];

/** How attempts are repeated. */
const RETRY_OPTIONS = () => [
  new Option('--retries <n>', 'how often to repeat attempts after passing errors').argParser(
    wholeNumberFrom(0),
  ),
  new Option('--seed <n>', 'the same seed, the same waits between attempts').argParser(
    wholeNumberFrom(0),
  ),
];

/** What stands around the model. */
const WRAPPER_OPTIONS = () => [
  new Option('--requests-per-minute <n>', 'hold requests back to this rate').argParser(wholeNumber),
  new Option('--tokens-per-minute <n>', 'hold requests back to this rate of tokens').argParser(
    wholeNumber,
  ),
  new Option('--cache <dir>', 'answer from this directory what was asked before').argParser(
    notEmpty,
  ),
  new Option(
    '--record <file>',
    'write requests and answers to this file, secrets scrubbed',
  ).argParser(notEmpty),
  new Option('--replay <file>', 'answer from such a file, in place of a runner').argParser(
    notEmpty,
  ),
  new Option('--mcp-config <file>', 'tools for the tasks: MCP servers, in JSON or YAML').argParser(
    notEmpty,
  ),
];

/** Who answers what will be asked. */
const ANSWER_OPTIONS = () => [
  new Option('--approve <id>', 'approve a task that will ask (repeatable)').argParser(list),
  new Option('--reject <id>', 'refuse a task that will ask (repeatable)').argParser(list),
  new Option('--answer <id=value>', 'answer a task that will ask (repeatable)').argParser(answers),
];

/** How many tasks run at once, and what is done when some fail. */
const STRATEGY_OPTIONS = () => [
  new Option('--replan <rounds>', 'let the model add tasks when some fail').argParser(wholeNumber),
  new Option('--strategy <name>', "over the file's own (default: parallel)").choices(STRATEGIES),
  new Option('--max-parallel <n>', 'the most tasks that run at once').argParser(wholeNumber),
];

/** Adds the options of every command that asks a model. */
export function addModelOptions(command: Command): Command {
  return add(command, RUNNER_OPTIONS(), RETRY_OPTIONS(), LIMIT_OPTIONS(), WRAPPER_OPTIONS());
}

/** Adds the options of every command that runs a plan. */
export function addRunOptions(command: Command): Command {
  return add(command, STRATEGY_OPTIONS(), ANSWER_OPTIONS());
}

/** Adds what may be another one when a run goes on. */
export function addResumeOptions(command: Command): Command {
  add(command, STRATEGY_OPTIONS(), RUNNER_OPTIONS(), LIMIT_OPTIONS());
  return add(command, WRAPPER_OPTIONS(), ANSWER_OPTIONS());
}

function add(command: Command, ...groups: readonly (readonly Option[])[]): Command {
  for (const option of groups.flat()) command.addOption(option);
  return command;
}
