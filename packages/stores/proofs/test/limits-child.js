// Sends requests to a server as fast as the shared limits permit.
import { rateLimit } from '@stratagem/runners';
import { openLimits } from './backends.js';

const { url, address, perMinute, burstMs, atOnce } = JSON.parse(process.argv[2]);
const server = {
  name: 'server',
  async run() {
    const response = await fetch(address);
    return { output: await response.text() };
  },
};
const shared = openLimits(url);
const runner = rateLimit(server, { requestsPerMinute: perMinute, burstMs, shared });
const { signal } = new AbortController();
const request = {
  taskId: 'a',
  type: 'action',
  prompt: 'Why?',
  description: 'Why?',
  inputs: {},
  metadata: {},
};

async function work() {
  for (;;)
    await runner.run(request, { runId: 'run', signal, emit() {}, priority: 0, criticalPath: 0 });
}
await shared.reserve('server', []);
process.send('ready');
await Promise.all(Array.from({ length: atOnce }, work));
