import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** The calls that the client canceled, by the name of the tool. */
const canceled = [];
/** The calls that have arrived, of the tool that never answers. */
export const arrived = { hang: 0 };
/** The work in progress, and how it is ended. */
const workers = [];
const finishers = [];
let reports = 0;
/** The callers that wait for another one. */
const waiting = [];

/** A server with a tool for each kind of response. */
export function createServer() {
  const server = new McpServer({ name: 'test-server', version: '1.0.0' });
  const tool = (name, description, input, execute, more = {}) =>
    server.registerTool(name, { description, inputSchema: z.object(input), ...more }, execute);

  tool(
    'add',
    'Adds two numbers.',
    { a: z.number(), b: z.number() },
    ({ a, b }) => ({
      structuredContent: { sum: a + b },
      content: [{ type: 'text', text: `The sum is ${a + b}.` }],
    }),
    { outputSchema: z.object({ sum: z.number() }) },
  );
  tool('greet', 'Greets somebody.', { name: z.string().min(2) }, ({ name }) =>
    texts(`Hello ${name}.`, 'Have a nice day.'),
  );
  tool('fail', 'Fails.', {}, () => ({ isError: true, ...texts('The disk is full.') }));
  tool('fail_loudly', 'Fails and says too much.', {}, () => ({
    isError: true,
    ...texts(`The token ${process.env.SERVER_TOKEN} has expired.`),
  }));
  tool('fail_silently', 'Fails and does not say why.', {}, () => ({ isError: true, content: [] }));
  tool('look', 'Looks around.', {}, () => ({ content: everyKindOfContent }));
  tool('meet', 'Waits for a second caller.', {}, () => new Promise(meet));
  tool('hang', 'Never answers.', {}, (_, { mcpReq }) => {
    arrived.hang++;
    const note = () => canceled.push('hang');
    // The call may have been canceled before it arrived.
    if (mcpReq.signal.aborted) note();
    else mcpReq.signal.addEventListener('abort', note);
    return new Promise(() => {});
  });
  tool('work', 'Works until "finish" is called.', {}, (_, { mcpReq }) => {
    workers.push(mcpReq);
    return new Promise((resolve) => finishers.push(() => resolve(texts('Done.'))));
  });
  tool('report', 'Reports the progress of all work.', {}, async () => {
    for (const { notify, _meta } of workers) {
      const { progressToken } = _meta ?? {};
      if (progressToken === undefined) continue;
      await notify({
        method: 'notifications/progress',
        params: { progressToken, progress: ++reports },
      });
    }
    return texts('Reported.');
  });
  tool('finish', 'Ends all work.', {}, () => {
    for (const finish of finishers) finish();
    return texts('Finished.');
  });
  tool('talk', 'Says a lot.', { length: z.number() }, ({ length }) => texts('x'.repeat(length)));
  tool('count', 'Counts a lot.', { length: z.number() }, ({ length }) => ({
    structuredContent: { numbers: Array(length).fill(1) },
    content: [],
  }));
  tool('canceled', 'The calls that were given up.', {}, () => texts(JSON.stringify(canceled)));
  tool('environment', 'What the server finds in its environment.', {}, () =>
    texts(JSON.stringify(process.env)),
  );
  tool('process', 'Which process the server is, and where it runs.', {}, () => ({
    structuredContent: { pid: process.pid, directory: process.cwd() },
    content: [],
  }));
  tool('client', 'Who is asking.', {}, (_, { mcpReq }) =>
    texts(JSON.stringify(server.server.getClientVersion() ?? mcpReq.envelope)),
  );
  tool('crash', 'Ends the server.', {}, () => {
    process.stderr.write(`out of memory, the token was ${process.env.SERVER_TOKEN}\n`);
    process.exit(1);
  });
  return server;
}

function texts(...lines) {
  return { content: lines.map((text) => ({ type: 'text', text })) };
}

function meet(resolve) {
  waiting.push(() => resolve(texts('We met.')));
  if (waiting.length < 2) return;
  for (const go of waiting.splice(0)) go();
}

const everyKindOfContent = [
  { type: 'text', text: 'I see this:' },
  { type: 'image', mimeType: 'image/png', data: 'AAECAwQ=' },
  { type: 'audio', mimeType: 'audio/wav', data: 'AAEC' },
  { type: 'resource_link', uri: 'file:///a.txt', name: 'a.txt', description: 'a file' },
  { type: 'resource', resource: { uri: 'file:///b.txt', mimeType: 'text/plain', text: 'Bees.' } },
  { type: 'resource', resource: { uri: 'file:///c.bin', blob: 'AAECAw==' } },
];
