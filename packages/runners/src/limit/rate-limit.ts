import { deriveContext, OptionError, type TaskRunner } from '@stratagem/core';
import { type Limiter, limiterFor } from './limiter.js';
import type { LimiterOptions } from './limiter-options.js';

/**
 * Holds each request of a runner back until its limits permit it. All runs of the process that use
 * this runner share the limits; several runners share them by a limiter of {@link createLimiter}.
 *
 * Limits are corrected by what the server announces with its answers, downwards only; one that is
 * left out is taken from there. A refusal (`rate_limited`) pauses all starts for the time it gives.
 *
 * The wait is part of the attempt: its `timeoutMs` goes on. Where the wait cannot end in time, the
 * attempt fails at once as `rate_limited`.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = rateLimit(openai(), { requestsPerMinute: 600, tokensPerMinute: 200_000 });
 */
export function rateLimit(runner: TaskRunner, limits: LimiterOptions | Limiter): TaskRunner {
  if (typeof runner?.run !== 'function') {
    throw new OptionError('rateLimit(): its first argument must be a TaskRunner, such as openai()');
  }
  const limiter = isLimiter(limits) ? limits : limiterFor('rateLimit()', limits);

  return {
    name: runner.name,
    resource: runner.resource,
    settings: runner.settings,
    supportsTools: runner.supportsTools,
    async run(request, context) {
      const permit = await limiter.admit(request, context);
      // Not awaited: what is permitted now should be sent now.
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

function isLimiter(value: LimiterOptions | Limiter): value is Limiter {
  return typeof (value as Limiter | undefined)?.admit === 'function';
}
