import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { CommandCall, CommandRunner, RunContext } from '@stratagem/core';
import {
  checkDuration,
  checkOptions,
  describe,
  OptionError,
  RunnerError,
} from '@stratagem/core/runner';
import { killGroup, trackGroup } from './process-group.js';

export interface CommandRunnerOptions {
  /**
   * The directory that commands run in, and that their `cwd` is relative to.
   * @default the directory of this process
   */
  readonly cwd?: string | undefined;
  /**
   * The longest that one command may take, in milliseconds; it is stopped then. A shorter `timeoutMs` of the
   * task applies as well.
   * @default 300_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The maximum length of the standard output of a command, in bytes; it is stopped then.
   * @default 10_000_000
   */
  readonly maxOutputBytes?: number | undefined;
  /**
   * Names of variables of this process that commands get besides `PATH`, `HOME`, `LANG`, `TZ` and their
   * like. No other variable is passed on: they often are secrets.
   * @default none
   */
  readonly passEnv?: readonly string[] | undefined;
  /**
   * How long a command may take to end after it was asked to, in milliseconds, before it is killed.
   * @default 2_000
   */
  readonly killGraceMs?: number | undefined;
}

/** What programs need to find others, their files and their language. */
const PASSED = [
  ...['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR', 'TERM'],
  ...['Path', 'PATHEXT', 'SystemRoot', 'SYSTEMROOT', 'TEMP', 'TMP', 'USERPROFILE', 'APPDATA'],
];
const STDERR_TAIL = 2_000;

/**
 * Runs the commands of tasks as processes, without a shell: an argument stays one argument. A command that
 * takes too long, or whose task is canceled, is stopped with the processes that it has started.
 *
 * A command can do whatever this process may do. Give it only to executors that run plans you trust.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const executor = createExecutor({ strategy: parallel(), commands: commandRunner({ cwd: 'scripts' }) });
 * const plan = createPlan('Count').addTask({ id: 'lines', command: ['wc', '-l', 'report.md'] });
 */
export function commandRunner(options: CommandRunnerOptions = {}): CommandRunner {
  const names = ['cwd', 'timeoutMs', 'maxOutputBytes', 'passEnv', 'killGraceMs'];
  checkOptions('commandRunner()', options, names);
  const { cwd = '.', timeoutMs = 300_000, maxOutputBytes = 10_000_000 } = options;
  const { passEnv = [], killGraceMs = 2_000 } = options;
  checkDuration('commandRunner()', 'timeoutMs', timeoutMs);
  checkDuration('commandRunner()', 'killGraceMs', killGraceMs);
  if (!Number.isInteger(maxOutputBytes) || maxOutputBytes < 1) {
    throw new OptionError('commandRunner(): maxOutputBytes must be an integer ≥ 1');
  }
  if (!Array.isArray(passEnv)) {
    throw new OptionError('commandRunner(): passEnv must be a list of names of variables');
  }
  const root = resolve(cwd);
  const passed = [...PASSED, ...passEnv].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    async run(call, context) {
      const output = await runProcess(call, context, {
        cwd: resolve(root, call.cwd ?? '.'),
        env: { ...Object.fromEntries(passed), ...call.env },
        ...{ timeoutMs, maxOutputBytes, killGraceMs },
      });
      return call.output === 'json' ? parseJson(output, call) : output.replace(/\r?\n$/, '');
    },
  };
}

interface ProcessOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
  readonly killGraceMs: number;
}

/** Returns the standard output. Settles once the process has ended. */
function runProcess(
  call: CommandCall,
  context: RunContext,
  options: ProcessOptions,
): Promise<string> {
  const [program = '', ...args] = call.argv;
  const { cwd, env, timeoutMs, maxOutputBytes, killGraceMs } = options;
  const { signal } = context;
  return new Promise((settle, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    let child: ChildProcessWithoutNullStreams;
    try {
      // In a group of its own, so that it can be stopped with all that it has started.
      child = spawn(program, args, {
        cwd,
        env,
        shell: false,
        detached: isPosix,
        windowsHide: true,
      });
    } catch (cause) {
      reject(cannotStart(program, cause));
      return;
    }
    const untrack = trackGroup(child);
    let failure: unknown;
    let hasFailed = false;
    let killTimer: NodeJS.Timeout | undefined;
    /** The first reason counts. */
    const stop = (reason: unknown) => {
      if (hasFailed) return;
      hasFailed = true;
      failure = reason;
      killGroup(child, 'SIGTERM');
      killTimer = setTimeout(() => {
        killGroup(child, 'SIGKILL');
        // A process outside of the group may hold them open.
        child.stdout.destroy();
        child.stderr.destroy();
      }, killGraceMs);
    };
    const onAbort = () => stop(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => {
      stop(new RunnerError('timeout', `"${program}" did not end within ${timeoutMs} ms`));
    }, timeoutMs);

    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxOutputBytes) chunks.push(chunk);
      else stop(tooLong(program, maxOutputBytes));
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-STDERR_TAIL);
    });
    // A program need not read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(call.stdin ?? '');
    const end = (conclude: () => void) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal.removeEventListener('abort', onAbort);
      untrack();
      conclude();
    };
    child.on('error', (cause) => {
      if (child.pid === undefined) end(() => reject(cannotStart(program, cause)));
    });
    child.on('close', (code, killedBy) => {
      // It has ended, and what it has started must not go on, even if it ignores the request to end.
      if (hasFailed) killGroup(child, 'SIGKILL');
      end(() => {
        if (hasFailed) reject(failure);
        else if (code === 0) settle(Buffer.concat(chunks).toString('utf8'));
        else reject(endedWith(program, code, killedBy, errors));
      });
    });
  });
}

const isPosix = process.platform !== 'win32';

function cannotStart(program: string, cause: unknown): RunnerError {
  const { code } = cause as NodeJS.ErrnoException;
  const why =
    code === 'ENOENT'
      ? 'there is no such program, or no such directory to run it in'
      : describe(cause);
  return new RunnerError('invalid_request', `cannot run "${program}": ${why}`, { cause });
}

function tooLong(program: string, maxBytes: number): RunnerError {
  return new RunnerError('invalid_output', `"${program}" wrote more than ${maxBytes} bytes`);
}

function endedWith(
  program: string,
  code: number | null,
  signal: NodeJS.Signals | null,
  errors: string,
): RunnerError {
  const how = code === null ? `was ended by ${signal}` : `ended with code ${code}`;
  const words = errors.trim();
  return new RunnerError('task_failed', `"${program}" ${how}${words === '' ? '' : `: ${words}`}`);
}

function parseJson(text: string, { argv }: CommandCall): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const shown = text.trim().slice(0, 200);
    const message = `the output of "${argv[0]}" is not JSON: ${shown === '' ? 'it is empty' : shown}`;
    throw new RunnerError('invalid_output', message, { cause });
  }
}
