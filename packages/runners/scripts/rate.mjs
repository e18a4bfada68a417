// Measures how much of a server's rate limit a plan uses, over real HTTP on this machine. Each
// server allows 600 requests per minute and counts them differently; each gets a plan of 500 tasks.
//
//   pnpm rate                 takes about a minute
//   pnpm rate --faults=0.2    a fifth of the permitted requests fail with a 500
//
// Fails when a plan uses less than 95 % of the permitted rate, or when at least 1 % of its requests
// get a 429.

import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createExecutor } from '@stratagem/core';
import { openai } from '@stratagem/openai';
import { parallel } from '@stratagem/parallel';
import { rateLimit } from '@stratagem/runners';
import { countOf, KINDS } from '../test/counts.ts';

const REQUESTS_PER_MINUTE = 600;
const TASKS = 500;
const BURST = 10;

const { values } = parseArgs({ options: { faults: { type: 'string', default: '0' } } });
const faults = Number(values.faults);

const cases = KINDS.flatMap((kind) => [true, false].map((announces) => ({ kind, announces })));
const rows = await Promise.all(cases.map(measure));
console.table(Object.fromEntries(rows.map(({ name, ...figures }) => [name, figures])));
const isGood = rows.every(
  (row) => row.completed === TASKS && row['used %'] >= 95 && row['429 %'] < 1,
);
if (!isGood) process.exitCode = 1;

async function measure({ kind, announces }) {
  const server = await limitedServer(kind, announces);
  const runner = openai({ model: 'a-model', apiKey: 'none', baseURL: server.url });
  const executor = createExecutor({
    strategy: parallel({ maxParallel: 50 }),
    runner: rateLimit(runner, { requestsPerMinute: REQUESTS_PER_MINUTE }),
    retry: { maxAttempts: 10 },
  });
  const tasks = Array.from({ length: TASKS }, (_, index) => ({
    id: `task-${index}`,
    description: `Say something about the number ${index}.`,
  }));
  const result = await executor.execute({ goal: 'Use the permitted rate', tasks });
  server.close();
  const { times, refused } = server;
  // Only until the last task began: after that, a plan may wait for a few tasks that failed often.
  const busy = times.slice(0, server.lastBegun);
  const rate = (busy.length - 1) / ((busy.at(-1) - busy[0]) / 60_000);
  return {
    name: `${kind}, ${announces ? 'with' : 'without'} headers`,
    completed: result.metrics.completedTasks,
    requests: times.length,
    'per minute': round(rate),
    'used %': round((100 * rate) / REQUESTS_PER_MINUTE),
    '429 %': round((100 * refused.length) / times.length),
  };
}

/** Speaks OpenAI's protocol; a response takes from 0.2 to 2 seconds. */
async function limitedServer(kind, announces) {
  const times = [];
  const refused = [];
  const begun = new Set();
  let lastBegun = 0;
  const count = countOf(kind, REQUESTS_PER_MINUTE, BURST);
  const server = createServer(async (request, response) => {
    const now = performance.now();
    times.push(now);
    const isRefused = count.remaining(now) < 1;
    if (!isRefused) count.take(now);
    if (announces) {
      response.setHeader('x-ratelimit-limit-requests', REQUESTS_PER_MINUTE);
      response.setHeader('x-ratelimit-remaining-requests', Math.floor(count.remaining(now)));
      response.setHeader('x-ratelimit-reset-requests', `${Math.ceil(count.resetMs(now))}ms`);
    }
    const position = times.length;
    const body = await text(request);
    if (!begun.has(body)) lastBegun = position;
    begun.add(body);
    if (isRefused) {
      refused.push(now);
      response.setHeader('retry-after-ms', Math.ceil(count.retryAfterMs(now)));
      response.writeHead(429, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: 'Too many requests.' } }));
      return;
    }
    await sleep(200 + Math.random() * 1_800);
    if (Math.random() < faults) {
      response.writeHead(500).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const chunk = { choices: [{ index: 0, delta: { content: 'Done.' }, finish_reason: 'stop' }] };
    response.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    times,
    refused,
    /** How many requests had arrived when the last task began. */
    get lastBegun() {
      return lastBegun;
    },
    url: `http://127.0.0.1:${server.address().port}/v1`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function round(value) {
  return Math.round(value * 10) / 10;
}
