import { describe, expect, test } from 'vitest';
import { type ChatRequest, chatServer, type Reply } from '../../test/chat-server.js';
import { stratagem } from '../../test/stratagem.js';

const KEY = 'sk-test-7f3a9c1e5b2d';
const env = { OPENAI_API_KEY: KEY };

const plan = `goal: Market research report
tasks:
  - id: research
    description: Gather market data
  - id: tech
    description: Analyse technology trends
    dependencies: [research]
  - id: finance
    description: Analyse the figures
    dependencies: [research]
  - id: report
    description: Write the report
    dependencies: [tech, finance]
`;

/** An answer that is unique to the task. */
function answerTo({ prompt }: ChatRequest): string {
  return `The answer to: ${prompt.split('\n')[0]}`;
}

/** Runs the plan on a server with these replies. */
async function runOn(
  reply: (request: ChatRequest) => Reply,
  args: readonly string[] = [],
  stdin = plan,
) {
  await using server = await chatServer(reply);
  const ended = await stratagem(
    ['run', '-', '--runner', 'openai', '--base-url', server.url, '--model', 'a-model', ...args],
    { stdin, env },
  );
  expect(ended.stdout + ended.stderr).not.toContain(KEY);
  return { ...ended, requests: server.requests };
}

/** This reply for the task with this start of its description, and an answer for all others. */
function except(description: string, reply: Reply) {
  return (request: ChatRequest) =>
    request.prompt.startsWith(description) ? reply : answerTo(request);
}

describe('run on an OpenAI-compatible server', () => {
  test('completes, with the outputs of the dependencies in each request', async () => {
    const { exitCode, stdout, requests } = await runOn(answerTo, ['--json']);
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document.status).toBe('completed');
    expect(document.tasks.map(({ output }: { output: string }) => output)).toEqual([
      'The answer to: Gather market data',
      'The answer to: Analyse technology trends',
      'The answer to: Analyse the figures',
      'The answer to: Write the report',
    ]);
    expect(document.metrics.usage).toMatchObject({ inputTokens: 40, outputTokens: 20 });

    expect(requests).toHaveLength(4);
    for (const { path, model, headers } of requests) {
      expect({ path, model }).toEqual({ path: '/v1/chat/completions', model: 'a-model' });
      expect(headers.authorization).toBe(`Bearer ${KEY}`);
    }
    const received = (description: string) =>
      requests.find(({ prompt }) => prompt.startsWith(description))?.prompt;
    expect(received('Gather market data')).toBe('Gather market data');
    for (const description of ['Analyse technology trends', 'Analyse the figures']) {
      expect(received(description)).toContain('research');
      expect(received(description)).toContain('The answer to: Gather market data');
    }
    expect(received('Write the report')).toContain('The answer to: Analyse technology trends');
    expect(received('Write the report')).toContain('The answer to: Analyse the figures');
    expect(received('Write the report')).not.toContain('The answer to: Gather market data');
  });

  test('prints the last answer in the report', async () => {
    const { exitCode, stdout } = await runOn(answerTo);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('The answer to: Write the report');
  });

  test('takes the server from the environment, too', async () => {
    await using server = await chatServer(answerTo);
    const { exitCode } = await stratagem(['run', '-', '--runner', 'openai', '--model', 'a-model'], {
      stdin: plan,
      env: { ...env, OPENAI_BASE_URL: server.url },
    });
    expect(exitCode).toBe(0);
    expect(server.requests).toHaveLength(4);
  });

  test('streams the answers into the timeline', async () => {
    const { stdout } = await runOn(answerTo, ['--json']);
    const { timeline } = JSON.parse(stdout);
    const pieces = timeline.filter(({ type, taskId }: Record<string, string>) => {
      return type === 'task_output' && taskId === 'report';
    });
    expect(pieces.map(({ text }: { text: string }) => text).join('')).toBe(
      'The answer to: Write the report',
    );
  });
});

describe('a task that fails', () => {
  const refusal = { status: 500, message: 'Out of paper' };

  test('causes its dependents to be skipped, and the others to complete', async () => {
    const { exitCode, stdout, requests } = await runOn(
      except('Analyse technology trends', refusal),
      ['--json', '--retries', '0'],
    );
    expect(exitCode).toBe(1);
    const { status, tasks, metrics } = JSON.parse(stdout);
    expect(status).toBe('failed');
    expect(tasks).toMatchObject([
      { id: 'research', status: 'completed' },
      {
        id: 'tech',
        status: 'failed',
        attempts: 1,
        output: null,
        error: { code: 'server_error', message: expect.stringContaining('Out of paper') },
      },
      { id: 'finance', status: 'completed', output: 'The answer to: Analyse the figures' },
      { id: 'report', status: 'skipped', attempts: 0, output: null, startedAt: null },
    ]);
    expect(JSON.stringify(tasks[3].error)).toContain('tech');
    expect(metrics).toMatchObject({ completedTasks: 2, failedTasks: 1, skippedTasks: 1 });
    expect(requests).toHaveLength(3);
  });

  test('is explained in the report, beside the completed tasks', async () => {
    const { exitCode, stdout, stderr } = await runOn(except('Analyse technology trends', refusal));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('✗ 1 failed · ✓ 2 · – 1 skipped');
    expect(stderr).toMatch(/1× .*Out of paper/);
    expect(stderr).toMatch(/tech +up to 3 attempts, 1 task skipped/);
    expect(stdout).toContain('The answer to: Analyse the figures');
    expect(stderr).toMatch(/failed.*tech.*Out of paper/);
  });

  test('stops everything with --fail-fast', async () => {
    // The figures never arrive: without the option, the run would not end.
    const reply = (request: ChatRequest): Reply => {
      if (request.prompt.startsWith('Analyse technology trends')) return refusal;
      return request.prompt.startsWith('Analyse the figures') ? { hang: true } : answerTo(request);
    };
    const { exitCode, stdout } = await runOn(reply, ['--fail-fast', '--json']);
    expect(exitCode).toBe(1);
    const { status, tasks } = JSON.parse(stdout);
    expect(status).toBe('failed');
    expect(tasks).toMatchObject([
      { id: 'research', status: 'completed' },
      { id: 'tech', status: 'failed' },
      { id: 'finance', status: 'canceled', attempts: 1 },
      { id: 'report', status: expect.stringMatching(/skipped|canceled/), attempts: 0 },
    ]);
  });

  test('because no server is listening is explained', async () => {
    const server = await chatServer(answerTo);
    await server[Symbol.asyncDispose]();
    const { exitCode, stdout } = await stratagem(
      ['run', '-', '--runner', 'openai', '--base-url', server.url, '--model', 'm', '--json'],
      { stdin: plan, env },
    );
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).tasks[0].error).toMatchObject({ code: 'connection' });
  });
});

describe('a missing key', () => {
  test.each([
    ['openai', 'OPENAI_API_KEY'],
    ['anthropic', 'ANTHROPIC_API_KEY'],
  ])('of %s is explained with the variable to set', async (runner, variable) => {
    const { exitCode, stdout, stderr } = await stratagem(['run', '-', '--runner', runner], {
      stdin: plan,
    });
    expect(exitCode).toBeGreaterThan(0);
    expect(stdout + stderr).toContain(variable);
    expect(stdout + stderr).not.toMatch(/\n {4}at /);
  });
});

describe('secrets', () => {
  test('are never printed, even when the server repeats them', async () => {
    const echo = (request: ChatRequest): Reply => ({
      status: 401,
      message: `Incorrect API key provided: ${request.headers.authorization}`,
    });
    // runOn checks the output for the key.
    const document = JSON.parse((await runOn(echo, ['--json'])).stdout);
    expect(document.tasks[0].error).toMatchObject({
      code: 'authentication',
      message: expect.stringContaining('Incorrect API key provided'),
    });
    expect((await runOn(echo)).exitCode).toBe(1);
  });

  test('in the base URL are never printed, either', async () => {
    await using server = await chatServer(() => ({ status: 500, message: 'No' }));
    const url = server.url.replace('//', '//someone:hunter2@');
    for (const more of [[], ['--json']]) {
      const { exitCode, stdout, stderr } = await stratagem(
        ['run', '-', '--runner', 'openai', '--base-url', url, '--model', 'm', ...more],
        { stdin: plan, env },
      );
      expect(exitCode).toBeGreaterThan(0);
      expect(stdout + stderr).not.toMatch(/hunter2/);
    }
  });
});

describe('control characters', () => {
  const nasty =
    'One\u001b]0;title\u0007 \u001b[31mred\u001b[0m \u009b2J\r\u0008 \u202etxt\u202c\nTwo\ttabs';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
  const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;
  const one = JSON.stringify({
    goal: 'Say \u001b[2J something',
    tasks: [{ id: 'a', description: 'Say it' }],
  });

  test('of an answer do not reach the terminal', async () => {
    const { exitCode, stdout, stderr } = await runOn(() => nasty, [], one);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/One.*red.*\nTwo\ttabs/);
    expect(stdout + stderr).not.toMatch(control);
  });

  test('of an error do not reach the terminal', async () => {
    const refusal = { status: 400, message: `Bad: ${nasty}` };
    const { exitCode, stdout, stderr } = await runOn(() => refusal, [], one);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Bad: One');
    expect(stdout + stderr).not.toMatch(control);
  });

  test('survive in --json, escaped', async () => {
    const { stdout } = await runOn(() => nasty, ['--json'], one);
    expect(JSON.parse(stdout).tasks).toMatchObject([{ id: 'a', output: nasty }]);
    expect(stdout).not.toMatch(control);
  });
});
