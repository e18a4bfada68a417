import { describe, expect, test } from 'vitest';
import { codeOfApiError, codeOfStatus, parseRetryAfter } from './http-error.js';

describe('codeOfStatus', () => {
  test.each([
    [400, 'invalid_request'],
    [401, 'authentication'],
    [402, 'insufficient_quota'],
    [403, 'permission_denied'],
    [404, 'not_found'],
    [408, 'timeout'],
    [409, 'server_error'],
    [410, 'not_found'],
    [413, 'invalid_request'],
    [422, 'invalid_request'],
    [425, 'server_error'],
    [429, 'rate_limited'],
    [498, 'overloaded'],
    [499, 'connection'],
    [500, 'server_error'],
    [502, 'server_error'],
    [503, 'overloaded'],
    [504, 'timeout'],
    [529, 'overloaded'],
    [599, 'server_error'],
  ])('%i is %s', (status, code) => {
    expect(codeOfStatus(status)).toBe(code);
  });
});

describe('codeOfApiError', () => {
  test.each([
    [['insufficient_quota'], 429, 'insufficient_quota'],
    [[null, 'rate_limit_error'], undefined, 'rate_limited'],
    [['a_new_code', 'overloaded_error'], 500, 'overloaded'],
    [['a_new_code'], 503, 'overloaded'],
    [['constructor'], 429, 'rate_limited'],
    [['invalid_request_error'], 401, 'authentication'],
    [['invalid_request_error'], undefined, 'invalid_request'],
    [['a_new_code'], undefined, undefined],
    [[], undefined, undefined],
    [['RESOURCE_EXHAUSTED'], undefined, 'rate_limited'],
    [['RateLimitError'], undefined, 'rate_limited'],
    [['UNAVAILABLE'], undefined, 'overloaded'],
    [['server_is_overloaded'], 503, 'overloaded'],
    [['capacity_exceeded'], 498, 'overloaded'],
    [['engine_overloaded_error'], 429, 'overloaded'],
    [['exceeded_current_quota_error'], 429, 'insufficient_quota'],
    [['Arrearage'], 400, 'insufficient_quota'],
    [['data_inspection_failed'], 400, 'refused'],
    [['ResponsibleAIPolicyViolation'], 400, 'refused'],
    [[], 522, 'timeout'],
    [[], 524, 'timeout'],
    [['AllocationQuota.FreeTierOnly'], 403, 'insufficient_quota'],
    [['context_length_exceeded'], 400, 'context_length_exceeded'],
    [['BadRequestError', 400], undefined, 'invalid_request'],
    [[429], undefined, 'rate_limited'],
    [['503'], undefined, 'overloaded'],
    [[1300], 422, 'invalid_request'],
    [[12], undefined, undefined],
  ])('%j with status %s is %s', (codes, status, code) => {
    expect(codeOfApiError(codes, status)).toBe(code);
  });
});

describe('the words of a server', () => {
  test.each<[string, readonly unknown[], number | undefined, string]>([
    // A request that is too large for the limit of a minute never fits into it.
    [
      'Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Requested 42000.',
      ['rate_limit_exceeded', 'tokens'],
      429,
      'invalid_request',
    ],
    [
      'Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Requested 8131, please reduce your message size and try again.',
      ['rate_limit_exceeded', 'tokens'],
      413,
      'invalid_request',
    ],
    // The prompt is too long for the model.
    [
      "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
      ['BadRequestError', 400],
      400,
      'context_length_exceeded',
    ],
    ['prompt is too long: 208310 tokens > 200000 maximum', [], 400, 'context_length_exceeded'],
    [
      'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000',
      ['invalid_request_error'],
      400,
      'context_length_exceeded',
    ],
    [
      'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      ['INVALID_ARGUMENT'],
      400,
      'context_length_exceeded',
    ],
    [
      'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      ['invalid_request_error'],
      400,
      'context_length_exceeded',
    ],
    [
      "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
      [],
      400,
      'context_length_exceeded',
    ],
    [
      'the request exceeds the available context size, try increasing it',
      ['server_error'],
      500,
      'context_length_exceeded',
    ],
    [
      'Your input exceeds the context window of this model. Please adjust your input and try again.',
      [],
      undefined,
      'context_length_exceeded',
    ],
    ['Input is too long for requested model.', [], 400, 'context_length_exceeded'],
    [
      "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
      ['BadRequestError'],
      400,
      'context_length_exceeded',
    ],
    [
      'The number of tokens to keep from the initial prompt is greater than the context length.',
      [],
      400,
      'context_length_exceeded',
    ],
    ['litellm.ContextWindowExceededError: …', ['400'], 400, 'context_length_exceeded'],
    [
      'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000',
      [],
      422,
      'context_length_exceeded',
    ],
    [
      'Invalid request: Your request exceeded model token limit: 8192',
      ['invalid_request_error'],
      400,
      'context_length_exceeded',
    ],
    [
      'Range of input length should be [1, 30720]',
      ['InvalidParameter'],
      400,
      'context_length_exceeded',
    ],
    // The account has no credit.
    ['Your credit balance is too low to access the Anthropic API.', [], 400, 'insufficient_quota'],
    ['Insufficient Balance', ['unknown_error'], 402, 'insufficient_quota'],
    [
      'Your team has either used all available credits or reached its monthly spending limit.',
      [],
      403,
      'insufficient_quota',
    ],
    ['Sorry, your account balance is insufficient', [30001], 403, 'insufficient_quota'],
    [
      "Your newly created team doesn't have any credits yet.",
      ['The caller does not have permission to execute the specified operation'],
      403,
      'insufficient_quota',
    ],
    ['Out of call volume quota. It is replenished in 02:10:05.', [], 403, 'insufficient_quota'],
    ['you have used up your daily free allocation of neurons', [4006], 429, 'insufficient_quota'],
    ['Current cost: 10.2, max budget: 10', ['budget_exceeded'], 400, 'insufficient_quota'],
    ['You have reached your specified API usage limits.', [], 400, 'insufficient_quota'],
    // A filter withheld the prompt.
    ['Input flagged by moderation', [403], 403, 'refused'],
    ['Content violates usage guidelines.', [], 403, 'refused'],
    [
      'Your prompt was flagged as potentially violating our usage policy.',
      ['invalid_prompt'],
      400,
      'refused',
    ],
    ['Rejected as a result of our safety system.', ['moderation_blocked'], 400, 'refused'],
    // The server has no capacity, in the status for a limit.
    ['Service tier capacity exceeded for this model.', ['3505'], 429, 'overloaded'],
    ['Model is overloaded', [], 429, 'overloaded'],
    ['The system is currently experiencing high demand', ['NoCapacity'], 429, 'overloaded'],
    // The model wrote a call that the server could not read.
    ['Failed to call a function.', ['tool_use_failed'], 400, 'server_error'],
    // Google says this of every limit, those of a minute too.
    [
      'You exceeded your current quota, please check your plan and billing details.',
      ['RESOURCE_EXHAUSTED'],
      429,
      'rate_limited',
    ],
    // Nothing but words, in a stream.
    ['Overloaded', [], undefined, 'overloaded'],
    ['The model is at capacity', [], undefined, 'overloaded'],
    ['Rate limit reached for requests', [], undefined, 'rate_limited'],
    ['Overloaded', [], 400, 'invalid_request'],
    ['There is no field "context"', [], 400, 'invalid_request'],
  ])('"%s" with %j and status %s is %s', (message, codes, status, code) => {
    expect(codeOfApiError(codes, status, message)).toBe(code);
  });
});

describe('parseRetryAfter', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0);
  test.each([
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after-ms': '120' }, 120],
    [{ 'retry-after': '7s' }, 7_000],
    [{ 'retry-after': ' 1m30s ' }, 90_000],
    [{ 'retry-after': '250ms' }, 250],
    [{ 'retry-after': '1m30' }, undefined],
    [{ 'retry-after-ms': '120', 'retry-after': '2' }, 120],
    [{ 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 12:01:30 GMT' }, 90_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 11:59:00 GMT' }, 0],
    [{ 'retry-after': 'later' }, undefined],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after': '2678400' }, 31 * 86_400_000],
    // A Unix time, which may have passed.
    [{ 'retry-after': '1795435230' }, 30_000],
    [{ 'retry-after': '1795435230500' }, 30_500],
    [{ 'retry-after': '1795435000' }, 0],
    [{ 'retry-after': '1999999999' }, undefined],
    // A header that arrived twice, and words.
    [{ 'retry-after': '3, 3' }, 3_000],
    [{ 'retry-after': '3 seconds' }, 3_000],
    [{ 'retry-after': '1 hour 4 minutes' }, 3_840_000],
    // Numbers beyond all numbers.
    [{ 'retry-after': 'Mon, 23 Nov 2099 12:00:00 GMT' }, undefined],
    [{ 'retry-after': '9'.repeat(400) }, undefined],
    [{ 'retry-after-ms': '9'.repeat(400) }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{}, undefined],
  ])('%j is %s ms', (headers, expected) => {
    expect(parseRetryAfter(new Headers(headers as Record<string, string>), now)).toBe(expected);
  });

  test('compares a date with the date of the response: the clocks of two machines may differ', () => {
    const headers = new Headers({
      date: 'Mon, 23 Nov 2026 12:01:00 GMT',
      'retry-after': 'Mon, 23 Nov 2026 12:01:30 GMT',
    });
    expect(parseRetryAfter(headers)).toBe(30_000);
    headers.set('date', 'some day');
    headers.set('retry-after', new Date(Date.now() + 90_000).toUTCString());
    expect(parseRetryAfter(headers)).toBeGreaterThan(60_000);
  });

  test('is undefined without headers', () => {
    expect(parseRetryAfter(undefined)).toBeUndefined();
  });
});
