import type { RequestAttachment } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { attempt, request } from '../attempt.js';
import { json, testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

function fileOf(filename: string, mediaType: string, text: string): RequestAttachment {
  const data = new TextEncoder().encode(text);
  return { filename, mediaType, data, size: data.length, sha256: '0'.repeat(64) };
}

/** What tasks attach: an image, a document, a text, and the address of an image. */
export const ATTACHMENTS: readonly RequestAttachment[] = [
  fileOf('a.png', 'image/png', 'pixels'),
  fileOf('b.pdf', 'application/pdf', '%PDF-'),
  fileOf('c "x".md', 'text/markdown', '# Hi </file>'),
  { filename: 'd.jpg', mediaType: 'image/jpeg', url: 'https://example.com/d.jpg' },
];

/** Attachments of tasks: they are part of the first message, and their refusal is not repeated. */
export function attachmentConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);

  describe.each(subject.apis)('$name', ({ options, attached, firstContent }) => {
    const ask = (attachments: readonly RequestAttachment[]) =>
      subject
        .create(server.url, options)
        .run(request('Look at these.', { attachments }), attempt());

    test('attachments come before the prompt', async () => {
      server.replyWith(subject.saying({ text: 'Nice.' }));
      await ask(ATTACHMENTS);
      expect(firstContent(server.requests[0]?.body ?? {})).toEqual([
        ...attached,
        expect.objectContaining({ text: 'Look at these.' }),
      ]);
    });

    test('a text that is not UTF-8 is refused before anything is sent', async () => {
      server.replyWith(subject.saying({ text: 'Nice.' }));
      const data = new Uint8Array([0xff, 0xfe, 0x41]);
      const odd = { filename: 'a.txt', mediaType: 'text/plain', data, size: 3, sha256: '0' };
      await expect(ask([odd])).rejects.toMatchObject({
        code: 'invalid_input',
        message: 'its attachment "a.txt" is text/plain, but not UTF-8',
      });
      expect(server.requests).toEqual([]);
    });

    test.each([
      [400, 'Invalid content type image_url for this model'],
      [500, 'image input is not supported - hint: you may need to provide the mmproj'],
      [404, 'No endpoints found that support image input'],
    ])('a refusal with %i is not repeated: %s', async (status, message) => {
      server.replyWith(json(status, subject.errorBody({ message })));
      await expect(ask(ATTACHMENTS)).rejects.toMatchObject({
        code: 'invalid_request',
        isRetryable: false,
        status,
        message: expect.stringMatching(
          /the request has attachments \(image\/png, application\/pdf, text\/markdown, image\/jpeg\): does the model take them\?$/,
        ),
      });
    });

    test('another error stays what it is', async () => {
      server.replyWith(json(500, subject.errorBody({ message: 'Oops' })));
      await expect(ask(ATTACHMENTS)).rejects.toMatchObject({ code: 'server_error' });
    });
  });
}
