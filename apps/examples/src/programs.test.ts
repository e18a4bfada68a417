import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

// Runs the built examples as a user would, each in its own process.

const scripts: Record<string, string> = manifest.scripts;

async function start(name: string, env: NodeJS.ProcessEnv = {}) {
  const [file = ''] = scripts[name]?.match(/dist\/\S+$/) ?? [];
  const program = spawn(process.execPath, [fileURLToPath(new URL(`../${file}`, import.meta.url))], {
    env: { ...process.env, OPENAI_API_KEY: '', ANTHROPIC_API_KEY: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise((resolve) => program.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(program.stdout), text(program.stderr)]);
  return { code: await exited, stdout, stderr };
}

describe.concurrent('the program', () => {
  test.each([
    [
      'start',
      /simulated model[\s\S]*Batch:[\s\S]*Dependencies:[\s\S]*Comparison:[\s\S]*times as fast/,
    ],
    ['data-set', /simulated model[\s\S]*… and 97 more[\s\S]*100 completed, 0 failed/],
    ['batch', /simulated model[\s\S]*Batch:[\s\S]*Peak concurrency +5\n/],
    [
      'dependencies',
      /simulated model[\s\S]*task_completed +level 2 {2}report[\s\S]*Simulated answer/,
    ],
    ['comparison', /simulated model[\s\S]*At once +1 +4\n[\s\S]*times as fast/],
    [
      'adaptive',
      /adaptive, at most 64[\s\S]*up to \d+ at once: higher concurrency is likely[\s\S]*tasks\/s[\s\S]*research +120[\s\S]*times as fast/,
    ],
    ['sequential', /simulated model[\s\S]*title {2}completed/],
    ['data-collection', /10 stations, on average 14\.5 °C/],
    ['custom-strategy', /yes → thanks → offer → contract/],
    ['custom-provider', /The service has thought about "Choose the best one\."[\s\S]*input tokens/],
    [
      'two-providers',
      /OPENAI_API_KEY is not set[\s\S]*ANTHROPIC_API_KEY is not set[\s\S]*instead-of/,
    ],
    ['improve', /simulated model[\s\S]*improve#3\.judge[\s\S]*reached after 3 iterations/],
    ['tools', /stock\(\{"article":[\s\S]*→ [\s\S]*input tokens/],
    [
      'research-report',
      /simulated model[\s\S]*result after [\s\S]*Put the result together[\s\S]*planned in/,
    ],
    ['adaptive-picture', /^<svg [\s\S]*300 per minute, unannounced[\s\S]*<\/svg>\n$/],
    ['picture', /^<svg [\s\S]*<\/svg>\n$/],
  ])('%s runs to completion', async (name, expected) => {
    const { code, stdout, stderr } = await start(name);
    expect(stderr).toBe('');
    expect(stdout).toMatch(expected);
    expect(code).toBe(0);
  });

  test('prints the reason in one line and exits with code 1 when the plan fails', async () => {
    const server = createServer((_, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stdout, stderr } = await start('batch', {
      OPENAI_API_KEY: 'sk-wrong',
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    });
    server.close();
    expect(stdout).toMatch(/^Using openai\/[\s\S]*Apple +failed\n/);
    expect(stderr.trim()).toMatch(/^The run failed\. Task "Apple" .*Incorrect API key.*$/);
    expect(code).toBe(1);
  });
});
