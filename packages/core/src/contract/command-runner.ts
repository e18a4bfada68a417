import type { CommandCall } from './step.js';
import type { RunContext } from './task.js';

/**
 * Runs the commands of tasks: `commandRunner()` of `@stratagem/node` starts processes. Without one, an
 * executor refuses a plan with a command.
 */
export interface CommandRunner {
  /**
   * Runs a command and returns its output. Stops it when `context.signal` is aborted.
   *
   * Rejects when the command cannot be started, or ends with another code than 0.
   */
  run(call: CommandCall, context: RunContext): Promise<unknown>;
}
