import type { TaskRunner } from '@stratagem/core';
import { expect } from 'vitest';
import { attempt, request } from './attempt.js';
import type { Reply } from './server.js';

/** More bytes than all buffers between a server and its client can hold. */
const MORE_THAN_BUFFERS = 256 * 2 ** 20;

/**
 * Expects a provider to read from its server only as fast as its text is consumed.
 *
 * @param serve Sets the reply of the server.
 * @param opening The beginning of the stream.
 * @param piece A piece of text in the format of the stream.
 */
export async function expectBackpressure(
  runner: TaskRunner,
  serve: (reply: Reply) => void,
  { opening = '', piece }: { readonly opening?: string; readonly piece: (text: string) => string },
): Promise<void> {
  const text = 'x'.repeat(64 * 2 ** 10);
  let sent = 0;
  serve((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(opening);
    const pump = () => {
      while (sent < MORE_THAN_BUFFERS && response.write(piece(text))) sent += text.length;
    };
    response.on('drain', pump);
    pump();
  });
  let take = () => {};
  let pieces = 0;
  const emit = () => {
    pieces++;
    return new Promise<void>((resolve) => {
      take = resolve;
    });
  };
  const controller = new AbortController();
  const answer = runner.run(request('Go on.'), attempt({ emit, signal: controller.signal }));
  await untilStable(() => pieces + sent);
  expect(pieces).toBe(1);
  expect(sent).toBeLessThan(MORE_THAN_BUFFERS / 4);
  take();
  await untilStable(() => pieces + sent);
  expect(pieces).toBe(2);
  controller.abort();
  take();
  await expect(answer).rejects.toMatchObject({ code: 'aborted' });
}

/** Resolves when the count is above zero and has not changed for a while. */
async function untilStable(count: () => number): Promise<void> {
  let before = -1;
  while (before !== count() || before === 0) {
    before = count();
    for (let turn = 0; turn < 2_000; turn++) await new Promise(setImmediate);
  }
}
