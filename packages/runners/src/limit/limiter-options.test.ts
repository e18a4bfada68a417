import { OptionError } from '@stratagem/core';
import { expect, test } from 'vitest';
import { createLimiter } from './limiter.js';
import type { LimiterOptions } from './limiter-options.js';

test.each([
  [{ requestsPerMinutes: 600 }, 'createLimiter() has no option "requestsPerMinutes". Did you mean'],
  [{ requestsPerMinute: 0 }, 'createLimiter(): requestsPerMinute must be an integer ≥ 1'],
  [{ requestsPerMinute: 0.5 }, 'createLimiter(): requestsPerMinute must be an integer ≥ 1'],
  [{ tokensPerMinute: -1 }, 'createLimiter(): tokensPerMinute must be an integer ≥ 1'],
  [{ inputTokensPerMinute: '9' }, 'createLimiter(): inputTokensPerMinute must be an integer ≥ 1'],
  [{ outputTokensPerMinute: null }, 'createLimiter(): outputTokensPerMinute must be an'],
  [{ maxConcurrent: 0 }, 'createLimiter(): maxConcurrent must be an integer ≥ 1'],
  [{ burstMs: 0 }, 'createLimiter(): burstMs must be a positive number of milliseconds'],
  [{ noticeAfterMs: -1 }, 'createLimiter(): noticeAfterMs must be a number of milliseconds'],
  [{ noticeAfterMs: Number.NaN }, 'createLimiter(): noticeAfterMs must be a number'],
  [[], 'createLimiter() takes an object of options'],
])('%j is an error', (options, message) => {
  const create = () => createLimiter(options as LimiterOptions);
  expect(create).toThrow(OptionError);
  expect(create).toThrow(message);
});

test('an undefined option is ignored, and Infinity means no limit', () => {
  createLimiter({ requestsPerMinute: undefined, burstMs: undefined, noticeAfterMs: Infinity });
  createLimiter({
    requestsPerMinute: Infinity,
    tokensPerMinute: Infinity,
    maxConcurrent: Infinity,
  });
  createLimiter();
});
