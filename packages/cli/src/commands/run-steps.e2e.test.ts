import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const server = createServer(({ url, headers }, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ url, auth: headers.authorization ?? null }));
});
let host = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const collect = () => `goal: Collect
inputs:
  paths: { type: array, items: { type: string }, default: [a, b, c] }
  token: { type: string, secret: true, env: COLLECT_TOKEN, optional: true }
tasks:
  - id: fetch
    forEach: inputs.paths
    tool: fetch
    args:
      url: "http://${host}/{{item}}"
      headers: { authorization: "Bearer {{inputs.token}}" }
    save: pages/{{item}}.json
`;

const commands = `goal: Count
tasks:
  - id: count
    command:
      argv: ["${process.execPath}", -e, "console.log(JSON.stringify({ n: process.argv.length - 1 }))", "a b", "; rm x"]
      output: json
`;

describe('tasks without a model', () => {
  test('fetch and save, with a secret that is in no file', async () => {
    await using files = await folder({ 'plan.yaml': collect() });
    const args = ['run', 'plan.yaml', '--allow-hosts', host, '--journal', 'runs', '--json'];
    const env = { COLLECT_TOKEN: 'hunter22' };
    const ended = await stratagem(args, { cwd: files.path, env });
    expect(ended.exitCode).toBe(0);
    // No task asks a model.
    expect(ended.stderr).not.toContain('simulated');
    expect(await readdir(join(files.path, 'output/pages'))).toEqual(['a.json', 'b.json', 'c.json']);
    const page = JSON.parse(await readFile(join(files.path, 'output/pages/a.json'), 'utf8'));
    expect(page).toEqual({ url: '/a', auth: 'Bearer [secret]' });
    expect(ended.stdout + ended.stderr).not.toContain('hunter22');
    for (const name of await readdir(join(files.path, 'runs'))) {
      expect(await readFile(join(files.path, 'runs', name))).not.toContain('hunter22');
    }
  });

  test('ask no host of a private network, and save elsewhere on request', async () => {
    await using files = await folder({ 'plan.yaml': collect() });
    const options = { cwd: files.path, env: { COLLECT_TOKEN: 'x' } };
    const refused = await stratagem(['run', 'plan.yaml'], options);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('--allow-hosts');
    const args = ['run', 'plan.yaml', '--allow-hosts', '127.0.0.1', '--output-dir', 'there'];
    expect(await stratagem(args, options)).toMatchObject({ exitCode: 0 });
    expect(await readdir(join(files.path, 'there/pages'))).toHaveLength(3);
  });

  test('run commands only where it is allowed, and without a shell', async () => {
    await using files = await folder({ 'plan.yaml': commands });
    const refused = await stratagem(['run', 'plan.yaml'], { cwd: files.path });
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain('--allow-commands');
    const args = ['run', 'plan.yaml', '--allow-commands', '--json'];
    const ended = await stratagem(args, { cwd: files.path });
    expect(JSON.parse(ended.stdout).outputs).toEqual({ count: { n: 2 } });
  });

  test('are resumed, with the same folder and hosts, and commands allowed again', async () => {
    const plan = `${collect()}  - id: count\n    dependencies: [fetch]\n    command: ["${process.execPath}", -e, "if (!require('fs').existsSync('ok')) process.exit(3)"]\n`;
    await using files = await folder({ 'plan.yaml': plan });
    const options = { cwd: files.path, env: { COLLECT_TOKEN: 'x' } };
    const run = (...args: string[]) => stratagem([...args, '--journal', 'runs'], options);
    const given = ['--allow-hosts', host, '--output-dir', 'kept', '--allow-commands'];
    const failed = await run('run', 'plan.yaml', ...given);
    expect(failed.exitCode).toBe(1);
    const [, id = ''] = /stratagem why (\w+)/.exec(failed.stderr) ?? [];
    await files.add('ok', '');
    const refused = await run('resume', id, '--retry-failed');
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      expect.stringContaining('--allow-commands'),
    ]);
    const resumed = await run('resume', id, '--retry-failed', '--allow-commands', '--json');
    expect(JSON.parse(resumed.stdout)).toMatchObject({ status: 'completed' });
    expect(await readdir(join(files.path, 'kept/pages'))).toHaveLength(3);
  });

  test.each([
    ['fetsh', 'there is no tool "fetsh"'],
    ['fetch', 'tasks[0].args.url: is missing; the tool "fetch" needs it'],
  ])('are refused before anything runs: %s', async (tool, message) => {
    await using files = await folder({
      'plan.yaml': `goal: x\ntasks:\n  - { id: a, tool: ${tool} }\n`,
    });
    const { exitCode, stderr } = await stratagem(['run', 'plan.yaml'], { cwd: files.path });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
