import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { chatServer, messagesServer, type Reply } from '../../test/chat-server.js';
import { folder, stratagem } from '../../test/stratagem.js';

const KEY = 'sk-test-7f3a9c1e5b2d4a68';
/** No part of it that is long enough to be of use. */
const PART = KEY.slice(8);

const echo = (status: number): Reply => ({
  status,
  message: `The key ${KEY} is wrong, Bearer ${KEY}, https://x/?api_key=${KEY}`,
  headers: { 'x-api-key': KEY, 'x-request-id': 'req-1', 'retry-after-ms': '1' },
});

const REPLIES: readonly Reply[] = [
  ...[400, 401, 403, 404, 413, 429, 500, 503].map(echo),
  // A body that no SDK expects.
  { status: 502, message: `<html><title>${KEY}</title></html>` },
];

/** One task for each reply, and one that is answered, so that the files have answers too. */
const plan = `goal: Ask
tasks:
${REPLIES.map((_, index) => `  - { id: t${index}, description: Question ${index} }`).join('\n')}
  - { id: last, description: Say it. }
`;

/** A runner of a module: a model of the AI SDK. */
const aiSdk = dirname(fileURLToPath(import.meta.resolve('@stratagem/ai-sdk/package.json')));
const module = `import { create } from '${pathToFileURL(join(aiSdk, 'test/factory.mjs'))}';
const { SDK_API_KEY: apiKey, SDK_BASE_URL: baseURL } = process.env;
export const runner = create({ apiKey, baseURL });
`;

test.each(['openai', 'anthropic', './sdk.mjs'] as const)(
  'the key of %s is in nothing that a run writes, whatever its server answers',
  async (runner) => {
    const [make, variable] =
      runner === 'anthropic'
        ? [messagesServer, 'ANTHROPIC']
        : [chatServer, runner === 'openai' ? 'OPENAI' : 'SDK'];
    await using files = await folder({ 'plan.yaml': plan, 'sdk.mjs': module });
    await using server = await make(
      ({ prompt }) => REPLIES[Number(/^Question (\d+)/.exec(prompt)?.[1])] ?? 'Fine.',
    );
    const url = runner === 'anthropic' ? server.url.replace('/v1', '') : server.url;
    const args = ['run', 'plan.yaml', '--runner', runner, '--retries', '0', '--journal', 'runs'];
    const outputs = ['--record', 'record.json', '--cache', 'cache', '--report', 'report.html'];
    const printed = await stratagem(
      [...args, ...outputs, '--trace', 'trace.json', '--json', '--log-format', 'json'],
      { cwd: files.path, env: { [`${variable}_API_KEY`]: KEY, [`${variable}_BASE_URL`]: url } },
    );
    expect(printed.exitCode, printed.stderr).toBe(1);
    expect(JSON.stringify(server.requests)).toContain(KEY);
    const written = await readdir(files.path, { recursive: true, withFileTypes: true });
    const texts = new Map([
      ['stdout', printed.stdout],
      ['stderr', printed.stderr],
    ]);
    for (const file of written) {
      if (!file.isFile()) continue;
      texts.set(file.name, await readFile(join(file.parentPath, file.name), 'latin1'));
    }
    expect([...texts.keys()]).toEqual(
      expect.arrayContaining(['record.json', 'report.html', 'trace.json']),
    );
    // The journal and a cached answer.
    expect(texts.size).toBeGreaterThan(7);
    for (const status of ['401', '429', '500']) {
      expect(texts.get('stdout'), 'the errors are there').toContain(status);
    }
    for (const [name, text] of texts) expect(text.includes(PART), name).toBe(false);
  },
);
