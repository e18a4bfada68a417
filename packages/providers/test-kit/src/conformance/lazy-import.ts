import { expect, type Mock, test } from 'vitest';
import { attempt, request } from '../attempt.js';
import { testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/**
 * Importing a provider must not import its SDK.
 *
 * @param subject A subject whose module does not import the SDK.
 * @param loaded Called when the package of the SDK is imported.
 */
export function lazyImportConformance(
  subject: Pick<ProviderSubject, 'basePath' | 'create' | 'saying'>,
  loaded: Mock,
): void {
  const server = testServer(subject.basePath);

  test('the SDK is imported at the first request, once', async () => {
    server.replyWith(subject.saying({ text: 'Hi' }));
    const runner = subject.create(server.url);
    expect(loaded).not.toHaveBeenCalled();
    await Promise.all([1, 2, 3].map(() => runner.run(request('Hello'), attempt())));
    expect(loaded).toHaveBeenCalledOnce();
    expect(server.requests).toHaveLength(3);
  });
}
