import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fetchWithErrors } from './error-response.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A response whose body is written by hand. */
function openResponse(init: ResponseInit) {
  let source!: ReadableStreamDefaultController<Uint8Array>;
  const state = { isCanceled: false };
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      source = controller;
    },
    cancel: () => {
      state.isCanceled = true;
    },
  });
  vi.stubGlobal('fetch', async () => new Response(body, init));
  const write = (text: string) => source.enqueue(new TextEncoder().encode(text));
  return { state, write, fail: () => source.error(new TypeError('terminated')) };
}

const words = { error: { message: 'Größe' } };

test('an error whose body does not end keeps its words', async () => {
  const { state, write } = openResponse({ status: 503, headers: { 'retry-after': '7' } });
  const answer = fetchWithErrors('http://127.0.0.1/');
  write(JSON.stringify(words));
  await vi.advanceTimersByTimeAsync(5_000);
  const response = await answer;
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('7');
  expect(await response.json()).toEqual(words);
  expect(state.isCanceled).toBe(true);
});

test('an error whose body breaks off keeps its status, and what arrived', async () => {
  const { write, fail } = openResponse({ status: 500 });
  const answer = fetchWithErrors('http://127.0.0.1/');
  write('upstream bro');
  await vi.advanceTimersByTimeAsync(0);
  fail();
  const response = await answer;
  expect(response.status).toBe(500);
  expect(await response.text()).toBe('upstream bro');
  expect(vi.getTimerCount()).toBe(0);
});

test('an answer is not read', async () => {
  const { write } = openResponse({ status: 200 });
  const response = await fetchWithErrors('http://127.0.0.1/');
  write('data: 1');
  const piece = await response.body?.getReader().read();
  expect(new TextDecoder().decode(piece?.value)).toBe('data: 1');
});
