import { checkFlag, checkOptions } from '../contract/check-options.js';
import { OptionError, show } from '../contract/errors.js';
import type { RunEvent, RunEventType } from '../contract/event.js';
import { describeEvent } from './describe-event.js';

/** The levels of most loggers, from the least to the most important. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** Writes one record: the fields first, as pino, bunyan and their relatives have it. */
type LogMethod = (fields: LogRecord, message: string) => void;

/** A logger with a method for each level, such as one of pino. */
export type EventLogger = Readonly<Record<LogLevel, LogMethod>>;

/** The fields of an event as plain data: at least its type, its number and its time. */
export interface LogRecord {
  readonly event: RunEventType;
  /** Position in the log of the run. */
  readonly sequence: number;
  /** Unix time in milliseconds; that of the record may be later. */
  readonly timestamp: number;
  /** The error of a failure, under the name that loggers know. */
  readonly err?: Error | undefined;
  readonly [field: string]: unknown;
}

export interface LogEventsOptions {
  /**
   * The least important level that is written. The logger may have a limit of its own.
   * @default 'trace'
   */
  readonly level?: LogLevel | undefined;
  /**
   * The levels of single types of events; `false` for none of them.
   * @default failures `error`, what may need attention `warn`, starts and ends `info`, the rest `debug`,
   * parts of outputs `trace`
   */
  readonly levels?: Readonly<Partial<Record<RunEventType, LogLevel | false>>> | undefined;
  /**
   * Whether records have outputs, texts, inputs and tasks: anything that users and models wrote.
   * @default false
   */
  readonly content?: boolean | undefined;
  /** Fields of every record, such as the id of the run. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** Every other type is `debug`. */
const DEFAULT_LEVELS: Readonly<Partial<Record<RunEventType, LogLevel>>> = {
  run_started: 'info',
  run_resumed: 'info',
  run_completed: 'info',
  run_canceled: 'warn',
  run_failed: 'error',
  run_paused: 'info',
  run_unpaused: 'info',
  task_output: 'trace',
  task_completed: 'info',
  task_failed: 'error',
  task_retrying: 'warn',
  task_waiting: 'info',
  task_canceled: 'warn',
  tool_approval_requested: 'info',
  budget_exceeded: 'warn',
  resource_paused: 'warn',
  replan_started: 'info',
  replan_completed: 'info',
  replan_failed: 'warn',
  goal_achieved: 'info',
};

/** What users and models wrote. */
const CONTENT: ReadonlySet<string> = new Set([
  ...['plan', 'inputs', 'output', 'text', 'input', 'items', 'tasks', 'citations', 'question'],
  ...['message', 'loop', 'serverToolCalls', 'criteria'],
]);

/**
 * A listener that writes one structured record for each event: a sentence, and the fields of the event.
 *
 * @throws {OptionError} when the logger lacks a level, or an option is invalid.
 *
 * @example
 * import pino from 'pino';
 *
 * const logger = pino({ level: 'debug' });
 * const runId = 'nightly-7';
 * await executor.execute(plan, { runId, onEvent: logEvents(logger.child({ runId })) });
 */
export function logEvents(
  logger: EventLogger,
  options: LogEventsOptions = {},
): (event: RunEvent) => void {
  checkOptions('logEvents()', options, ['level', 'levels', 'content', 'fields']);
  const { level = 'trace', levels = {}, content = false, fields } = options;
  checkLevel('level', level);
  for (const [type, each] of Object.entries(levels)) {
    if (each !== false) checkLevel(`levels.${type}`, each);
  }
  checkFlag('logEvents()', 'content', content);
  const least = LEVELS.indexOf(level);
  for (const each of LEVELS) {
    if (typeof (logger as Partial<EventLogger> | undefined)?.[each] === 'function') continue;
    throw new OptionError(`logEvents(): the logger has no method ${each}(), as one of pino has`);
  }
  return (event) => {
    const own = levels[event.type] ?? DEFAULT_LEVELS[event.type] ?? 'debug';
    if (own === false || LEVELS.indexOf(own) < least) return;
    logger[own]({ ...fields, ...recordOf(event, content) }, describeEvent(event));
  };
}

function recordOf(event: RunEvent, content: boolean): LogRecord {
  const { type, sequence, timestamp, ...details } = event;
  const record: Record<string, unknown> = { event: type, sequence, timestamp };
  for (const [name, value] of Object.entries(details)) {
    if (value === undefined || (!content && CONTENT.has(name))) continue;
    // `level` and `err` have a meaning of their own in records.
    if (name === 'level') record.taskLevel = value;
    else record[name === 'error' ? 'err' : name] = value;
  }
  if (event.type === 'tasks_added') record.addedTasks = event.tasks.length;
  return record as unknown as LogRecord;
}

function checkLevel(name: string, level: unknown): void {
  if (LEVELS.includes(level as LogLevel)) return;
  const known = LEVELS.join(', ');
  throw new OptionError(`logEvents(): ${name} must be one of ${known}; it is ${show(level)}`);
}
