import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const PLAN = `
goal: Two steps
inputs: { text: { type: string } }
outputs: { short: short, long: long }
tasks:
  - id: short
    description: Short {{inputs.text}}
  - id: long
    description: Long {{inputs.text}}
    model: other
`;
const usage = { prompt_tokens: 1_000, completion_tokens: 1_000, total_tokens: 2_000 };

interface Line {
  readonly custom_id: string;
  readonly body: { readonly messages: readonly { readonly content: string }[] };
}

/** Chat Completions, and a Batch API whose jobs are done at the second question. */
const jobs: Line[][] = [];
const polls = new Map<string, number>();
let live = 0;
const server = createServer(async (request, response) => {
  const body = await text(request).catch(() => undefined);
  // The client has left.
  if (body === undefined) return;
  const url = request.url ?? '';
  const json = (value: object) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(value));
  };
  const [, id = ''] = /\/(?:batches|files)\/(?:job|results)-(\d+)/.exec(url) ?? [];
  if (url.endsWith('/chat/completions')) {
    live++;
    const common = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-6.1-sol' };
    const choices = [{ index: 0, delta: { content: 'live' }, finish_reason: 'stop' }];
    response.setHeader('content-type', 'text/event-stream');
    response.end(`data: ${JSON.stringify({ ...common, choices, usage })}\n\ndata: [DONE]\n\n`);
  } else if (url.endsWith('/files')) {
    const lines = body.split('\r\n').find((part) => part.startsWith('{')) ?? '';
    jobs.push(
      lines
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
    json({ id: `file-${jobs.length - 1}` });
  } else if (url.endsWith('/batches'))
    json({ id: `job-${jobs.length - 1}`, status: 'in_progress' });
  else if (url.endsWith('/content')) {
    response.end(
      (jobs[Number(id)] ?? [])
        .map(({ custom_id, body: { messages } }) => {
          const message = { role: 'assistant', content: `batch ${messages.at(-1)?.content}` };
          const answer = {
            model: 'gpt-6.1-sol',
            choices: [{ message, finish_reason: 'stop' }],
            usage,
          };
          return JSON.stringify({ custom_id, response: { status_code: 200, body: answer } });
        })
        .join('\n'),
    );
  } else {
    polls.set(id, (polls.get(id) ?? 0) + 1);
    const isDone = (polls.get(id) ?? 0) > 1;
    json({
      id: `job-${id}`,
      status: isDone ? 'completed' : 'in_progress',
      output_file_id: `results-${id}`,
    });
  }
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('--batch sends what it can through the Batch API, and shows both prices', async () => {
  const csv = `text\n${Array.from({ length: 12 }, (_, index) => `t${index}`).join('\n')}\n`;
  await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': csv });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const env = { OPENAI_API_KEY: 'sk-none', OPENAI_BASE_URL: url };
  const args = ['map', 'plan.yaml', '--each', 'rows.csv', '-o', 'out.jsonl', '--runner', 'openai'];
  const more = [
    '--model',
    'gpt-6.1-sol',
    '--base-url',
    url,
    '--batch',
    '--batch-poll',
    '10ms',
    '--json',
  ];
  const { stdout, stderr, exitCode } = await stratagem([...args, ...more], {
    cwd: project.path,
    env,
  });
  expect(exitCode, stderr).toBe(0);
  const summary = JSON.parse(stdout);
  expect(Object.keys(summary.lanes).sort()).toEqual(['openai-batch/gpt-6.1-sol', 'openai/other']);
  expect(summary).toMatchObject({
    completed: 12,
    lanes: { 'openai-batch/gpt-6.1-sol': { requests: 12 } },
  });
  expect(jobs.flat()).toHaveLength(12);
  expect(live).toBe(12);
  expect(stderr).toMatch(/openai-batch\/gpt-6\.1-sol: 12 requests, \$\S+, \$\S+ without batches/);
  const again = await stratagem([...args, ...more], { cwd: project.path, env });
  expect(JSON.parse(again.stdout)).toMatchObject({ completed: 12 });
  expect([jobs.flat().length, live]).toEqual([12, 12]);
});

test.each([
  [['--batch'], '--batch needs a provider with a Batch API: --runner openai or anthropic'],
  [['--batch-poll', '1s'], '--batch-poll has no effect without --batch'],
])('%j is refused: %s', async (more, message) => {
  await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': 'text\na\n' });
  const args = ['map', 'plan.yaml', '--each', 'rows.csv', ...more];
  const { exitCode, stderr } = await stratagem(args, { cwd: project.path });
  expect(stderr).toContain(message);
  expect(exitCode).toBe(2);
});
