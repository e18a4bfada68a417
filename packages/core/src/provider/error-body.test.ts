import { describe, expect, test } from 'vitest';
import { readErrorBody, shortenWords } from './error-body.js';

describe('the words of a body', () => {
  test.each<[string, unknown, string | undefined]>([
    ['of OpenAI', { error: { message: 'No.', type: 'x', code: null } }, 'No.'],
    ['of Anthropic', { type: 'error', error: { type: 'api_error', message: 'No.' } }, 'No.'],
    ['of Google, in a list', [{ error: { code: 400, message: 'No.' } }], 'No.'],
    ['of vLLM, at the top', { object: 'error', message: 'No.', code: 400 }, 'No.'],
    ['in a text', { error: 'No.' }, 'No.'],
    ['of FastAPI', { detail: 'No.' }, 'No.'],
    ['of FastAPI, for fields', { detail: [{ msg: 'a', loc: [] }, { msg: 'b' }] }, 'a; b'],
    [
      'of OpenRouter',
      { error: { message: 'No', metadata: { raw: '{"error":{"message":"Why."}}' } } },
      'No: Why.',
    ],
    [
      'of OpenRouter, as a text',
      { error: { message: 'No', metadata: { raw: 'Why.' } } },
      'No: Why.',
    ],
    ['as an object', { error: { message: { reason: 1 } } }, '{"reason":1}'],
    ['of Cloudflare, in a list of errors', { success: false, errors: [{ message: 'No.' }] }, 'No.'],
    ['in an error in an error', { error: { error: [{ message: 'No.' }] } }, 'No.'],
    ['of Mistral, in a detail', { message: { detail: [{ msg: 'No.', loc: [] }] } }, 'No.'],
    ['in an object', { detail: { message: 'No.', retry_after: 4 } }, 'No.'],
    ['of AWS', { Message: 'No.' }, 'No.'],
    ['of Baidu', { error_code: 336, error_msg: 'No.' }, 'No.'],
    ['of RFC 9457', { title: 'Not now', status: 503, detail: 'No.' }, 'No.'],
    ['of RFC 9457, without details', { title: 'Not now', status: 503 }, 'Not now'],
    ['that are missing', { error: {} }, undefined],
    ['that are null', null, undefined],
    ['that are a text', 'No.', 'No.'],
  ])('%s', (_, body, message) => {
    expect(readErrorBody(body).message).toBe(message);
  });
});

test('the codes of a body, the most specific first', () => {
  const google = {
    code: 400,
    status: 'INVALID_ARGUMENT',
    details: [{ reason: 'API_KEY_INVALID' }],
  };
  expect(readErrorBody([{ error: google }]).codes).toEqual([
    'API_KEY_INVALID',
    400,
    'INVALID_ARGUMENT',
  ]);
  const anthropic = { type: 'rate_limit_error', details: { error_code: 'spend' } };
  expect(readErrorBody({ type: 'error', error: anthropic }).codes).toEqual([
    'spend',
    'rate_limit_error',
  ]);
  expect(readErrorBody({ error: 'No.', code: 'quota' }).codes).toEqual(['quota']);
});

describe('in a message', () => {
  test('a page is its title', () => {
    const page =
      '<!DOCTYPE html>\n<html><head><title>502 Bad\n Gateway</title></head><body>…</body>';
    expect(shortenWords(page)).toBe('502 Bad Gateway');
    expect(shortenWords('<html><h1>Forbidden</h1><p>no</p></html>')).toBe('Forbidden');
    expect(shortenWords('<html><style>p{}</style><p>Just <b>words</b></p></html>')).toBe(
      'Just words',
    );
  });

  test('a long text is cut to 300 characters', () => {
    expect(shortenWords('x'.repeat(300))).toHaveLength(300);
    expect(shortenWords('x'.repeat(301))).toBe(`${'x'.repeat(299)}…`);
  });
});

test('a quota of a whole day is used up', () => {
  const violations = [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' }];
  const minute = [{ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel' }];
  const bodyOf = (given: object[]) => ({
    error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ violations: given }] },
  });
  expect(readErrorBody(bodyOf(violations)).codes[0]).toBe('quota_exceeded');
  expect(readErrorBody(bodyOf(minute)).codes[0]).toBe(429);
});

test.each([
  [{ msg: 'No.' }, 'No.'],
  [{ status_code: 1_008, status_msg: 'No.' }, 'No.'],
])('the words of %j are found', (body, message) => {
  expect(readErrorBody(body).message).toBe(message);
});
