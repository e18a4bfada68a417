// Sends requests to a server as fast as the shared limits permit: for itself, or as a worker of the engine.
import { serveAttempts } from '@stratagem/bullmq';
import { rateLimit } from '@stratagem/runners';
import { openLimits } from './backends.js';

const { url, address, limits, isWorker, atOnce } = JSON.parse(process.argv[2]);
const server = {
  name: 'server',
  async run() {
    const response = await fetch(address);
    return await response.json();
  },
};
const shared = openLimits(url);
const runner = Object.keys(limits).length === 0 ? server : rateLimit(server, { ...limits, shared });

async function work() {
  const { signal } = new AbortController();
  const request = {
    ...{ taskId: 'a', type: 'action', prompt: 'Why?', description: 'Why?' },
    ...{ inputs: {}, metadata: {} },
  };
  for (;;) {
    await runner.run(request, { runId: 'run', signal, emit() {}, priority: 0, criticalPath: 0 });
  }
}

await shared.reserve('server', []);
if (isWorker) await serveAttempts({ url, runner, concurrency: atOnce });
process.send('ready');
if (!isWorker) await Promise.all(Array.from({ length: atOnce }, work));
