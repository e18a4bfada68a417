import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createExecutor,
  createPlan,
  RunnerError,
  type TaskRunner,
  type Usage,
} from '@stratagem/core';
import { codeOfStatus, parseRetryAfter, withTimeLimit } from '@stratagem/core/runner';
import { parallel } from '@stratagem/parallel';
import { printText, title } from './print.js';
import { runIfMain } from './run-if-main.js';

/** A provider for any service that takes a prompt and returns a text. */
export function myProvider(url: string): TaskRunner {
  return {
    name: 'my-provider',
    run: ({ prompt }, context) =>
      withTimeLimit(context, 60_000, async (signal) => {
        const body = JSON.stringify({ prompt });
        const response = await fetch(url, { method: 'POST', body, signal });
        if (!response.ok) {
          const why = `my-provider: ${response.status} ${await response.text()}`;
          const retryAfterMs = parseRetryAfter(response.headers);
          throw new RunnerError(codeOfStatus(response.status), why, { retryAfterMs });
        }
        const { text, usage } = (await response.json()) as { text: string; usage?: Usage };
        await context.emit(text);
        return { output: text, usage };
      }),
  };
}

/** A local service of that kind, so that the example needs nothing else. */
async function startService() {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const [question] = (JSON.parse(body) as { prompt: string }).prompt.split('\n');
    const usage = { inputTokens: Math.ceil(body.length / 4), outputTokens: 9 };
    response.end(JSON.stringify({ text: `The service has thought about "${question}".`, usage }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

export async function main(): Promise<void> {
  title('Custom provider');
  const service = await startService();
  const plan = createPlan('Name a boat')
    .addTask({ id: 'names', description: 'Suggest names for a small boat.' })
    .addTask({ id: 'choice', description: 'Choose the best one.', dependencies: ['names'] });
  const executor = createExecutor({ strategy: parallel(), runner: myProvider(service.url) });
  const { outputs, metrics } = await executor.execute(plan).orThrow().finally(service.stop);
  printText(String(outputs.choice), 4);
  console.log(`\n  ${metrics.usage.inputTokens} input tokens`);
}

await runIfMain(import.meta, main);
