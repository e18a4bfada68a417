import type { TaskRunner } from '@stratagem/core';
import { sdkRunner } from '@stratagem/core/runner';
import type { AnthropicOptions } from './options.js';
import { ANTHROPIC } from './sdk.js';
import { ANTHROPIC_WIRE } from './wire-mapping.js';

/**
 * A runner for a model of Anthropic, through the Messages API. Answers are streamed: text that arrives
 * together becomes a `task_output` event. A task's schema becomes the API's structured output, and its
 * tools are called until the model answers. The SDK's retries are off, so that the log shows every request.
 *
 * Attempts fail with a `RunnerError`, whose `cause` is the SDK's error. The text of a `refused`,
 * `truncated` or interrupted answer is in the task's `task_output` events.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const executor = createExecutor({
 *   strategy: parallel({ maxParallel: 5 }),
 *   runner: anthropic({ model: 'claude-sonnet-5-5' }),
 * });
 */
export function anthropic(options: AnthropicOptions = {}): TaskRunner {
  return sdkRunner(ANTHROPIC, ANTHROPIC_WIRE, options);
}
