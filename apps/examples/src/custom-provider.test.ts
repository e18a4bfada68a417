import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { runnerConformance } from '@stratagem/core/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { myProvider } from './custom-provider.js';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** The provider, connected to a local service with this handler. */
async function providerOf(answer: RequestListener) {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return myProvider(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const answering: RequestListener = async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const text = body.includes('title') ? '{"title":"Sea"}' : 'Hello.';
  response.end(JSON.stringify({ text, usage: { inputTokens: 9, outputTokens: 2 } }));
};

describe('the provider in the README fulfils the runner contract', () => {
  const cases = runnerConformance(() => providerOf(answering), {
    failing: () => providerOf((_, response) => response.writeHead(500).end('no')),
    hanging: () => providerOf(() => {}),
    withExtraFields: () => providerOf((_, response) => response.end('{"text":"Hi","parts":[{}]}')),
  });
  for (const { name, run } of cases) test(name, run);

  test('the README shows exactly this code, in at most 20 lines', async () => {
    const read = (path: string) => readFile(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
    const [readme, example] = await Promise.all([
      read('../../../README.md'),
      read('../src/custom-provider.ts'),
    ]);
    const [, shown = ''] =
      /```ts\n([^`]*?export function myProvider[\s\S]*?)```/.exec(readme) ?? [];
    const code = shown.slice(shown.indexOf('export function'));
    expect(example).toContain(code);
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(20);
  });
});
