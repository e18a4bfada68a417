import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { npmProject } from './npm-project.js';
import { run } from './packages.js';

/** With the SDKs it was 90. */
const MAX_COMMAND_MEGABYTES = 30;

test('the command line brings in no SDK, and says which one a run needs', async () => {
  const project = await npmProject('command', ['stratagem']);
  for (const sdk of ['openai', '@anthropic-ai/sdk', '@modelcontextprotocol/client']) {
    expect(existsSync(join(project, 'node_modules', sdk)), sdk).toBe(false);
  }
  const command = join(project, 'node_modules/.bin/stratagem');
  await run(command, ['init', 'plan.yaml'], project);
  const ask = run(command, ['run', 'plan.yaml', '--runner', 'openai'], project, {
    OPENAI_API_KEY: 'sk-test',
  });
  await expect(ask).rejects.toThrow('openai() needs the package openai: npm install openai');
  const megabytes = folderBytes(join(project, 'node_modules')) / 1e6;
  expect(megabytes).toBeLessThan(MAX_COMMAND_MEGABYTES);
});

function folderBytes(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.reduce(
    (sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size,
    0,
  );
}
