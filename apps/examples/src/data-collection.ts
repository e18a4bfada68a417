import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createExecutor, createPlan } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { printMetrics, title } from './print.js';
import { runIfMain } from './run-if-main.js';

interface Reading {
  readonly station: number;
  readonly celsius: number;
}

/** Sends ten real HTTP requests, four at a time, and averages the responses in an aggregate task. */
export async function run(stations: readonly string[]) {
  const plan = createPlan('Average temperature');
  for (const url of stations) {
    plan.addTask({
      id: url,
      type: 'observation',
      async run(_, { signal }) {
        const response = await fetch(url, { signal });
        if (!response.ok) throw new Error(`${url} answered ${response.status}`);
        return (await response.json()) as Reading;
      },
    });
  }
  const complete = plan.addTask({
    id: 'average',
    type: 'aggregate',
    dependencies: stations,
    run(readings) {
      const values = Object.values(readings as Record<string, Reading>);
      const total = values.reduce((sum, { celsius }) => sum + celsius, 0);
      return { stations: values.length, celsius: total / values.length };
    },
  });
  return await createExecutor({ strategy: parallel({ maxParallel: 4 }) }).execute(complete);
}

/** Starts a local server in place of ten remote ones: each URL has its own delay and response. */
export async function startStations(): Promise<{
  urls: string[];
  asked: string[];
  server: Server;
}> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const station = Number(request.url?.split('/').at(-1));
    setTimeout(
      () =>
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ station, celsius: 10 + station })),
      20 + 10 * (station % 4),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const urls = Array.from({ length: 10 }, (_, n) => `http://127.0.0.1:${port}/stations/${n}`);
  return { urls, asked, server };
}

export async function main(): Promise<void> {
  title('Data collection: ten HTTP requests, four at a time');
  const { urls, server } = await startStations();
  try {
    const result = await run(urls);
    if (result.status !== 'completed') throw result.error;
    const { stations, celsius } = result.outputs.average;
    console.log(`  ${stations} stations, on average ${celsius.toFixed(1)} °C\n`);
    printMetrics(result.metrics);
  } finally {
    server.close();
  }
}

await runIfMain(import.meta, main);
