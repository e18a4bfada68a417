import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { runnerConformance } from '@stratagem/core/testing';
import { myPart } from './my-part.ts';

const SECRET = 'the-key-of-the-test';
const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** The provider, connected to a service of this process. */
async function providerOf(answer: RequestListener) {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return myPart({ url: `http://127.0.0.1:${port}`, apiKey: SECRET });
}

const answering: RequestListener = async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const text = body.includes('title') ? '{"title":"Sea"}' : 'Hello.';
  response.end(JSON.stringify({ text, usage: { inputTokens: 9, outputTokens: 2 } }));
};

const cases = runnerConformance(() => providerOf(answering), {
  failing: () =>
    providerOf((request, response) => {
      // Some services repeat the key in their errors.
      response.writeHead(500).end(`no: ${request.headers.authorization}`);
    }),
  hanging: () => providerOf(() => {}),
  secret: SECRET,
});
for (const { name, run } of cases) test(`myPart ${name}`, run);
