import type { TaskRunner } from '@stratagem/core';
import { deriveContext, resourceOf } from '@stratagem/core/runner';
import { checkRunner, propertiesOf } from '../util/wrapped.js';
import { createLimiterFor, type Limiter } from './limiter.js';
import type { LimiterOptions } from './limiter-options.js';

/**
 * Delays each request of a runner until its limits permit it. All runs in this process that use the
 * runner share the limits, turn by turn; within a run, the request that most of the plan waits for is
 * sent first. Several runners share limits through {@link createLimiter}.
 *
 * What the server announces with its responses lowers a limit, but never raises it above the given
 * one; a limit that is left out comes from there. A refusal (`rate_limited`) pauses all starts for
 * the time that it asks for.
 *
 * The wait counts towards the attempt's `timeoutMs`. When the wait cannot end in time, the attempt
 * fails at once as `rate_limited`.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * With `shared`, all processes that share the limits keep within them together.
 *
 * @example
 * const runner = rateLimit(openai(), { requestsPerMinute: 600, tokensPerMinute: 200_000 });
 */
export function rateLimit(runner: TaskRunner, limits: LimiterOptions | Limiter): TaskRunner {
  checkRunner('rateLimit()', 'its first argument', runner);
  const limiter = isLimiter(limits)
    ? limits
    : createLimiterFor('rateLimit()', withResource(runner, limits));

  return {
    ...propertiesOf(runner),
    async run(request, context) {
      const permit = await limiter.admit(request, context);
      // Not awaited: the request is permitted now and must be sent now.
      if (permit.notice !== undefined) {
        context.emit({ kind: 'notice', source: 'rateLimit', ...permit.notice });
      }
      let steps = 0;
      const counting = deriveContext(context, {
        emit(part) {
          if (typeof part === 'object' && part.kind === 'step' && ++steps > 1) permit.again();
          return context.emit(part);
        },
      });
      try {
        const output = await runner.run(request, counting);
        permit.done(output);
        return output;
      } catch (thrown) {
        permit.failed(thrown);
        throw thrown;
      }
    },
  };
}

/** Shared limits are those of the runner, unless they have another name. */
function withResource(runner: TaskRunner, limits: LimiterOptions): LimiterOptions {
  if (limits?.shared === undefined || limits.resource !== undefined) return limits;
  return { ...limits, resource: resourceOf(runner, { id: '' }) };
}

function isLimiter(value: LimiterOptions | Limiter): value is Limiter {
  return typeof (value as Limiter | undefined)?.admit === 'function';
}
