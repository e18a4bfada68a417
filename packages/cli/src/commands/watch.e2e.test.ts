import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, start, stratagem } from '../../test/stratagem.js';

const plan = (goal: string) => `goal: ${goal}\ntasks:
  - { id: a, description: A }
  - { id: b, description: B, dependencies: [a], model: fast }\n`;

test('watch draws a plan again at each change, also of the settings, until Ctrl-C', async () => {
  const settings = (name: string) =>
    `const name: string = '${name}';\nexport default { models: { [name]: { model: 'm' } } };\n`;
  await using files = await folder({
    'plan.yaml': plan('First'),
    'stratagem.config.ts': settings('fast'),
  });
  const { child, ended, shows } = start(['watch', 'plan.yaml'], { cwd: files.path });
  await shows(/ First\n 2 tasks · 2 levels\n\n 1 {2}a\n 2 {2}b {2}← a · model fast\n\n ✓ valid/);
  await files.add('plan.yaml', 'goal: Broken\ntasks: {');
  await shows(/plan.yaml:2:\d+ .*\n[\s\S]*✗ not valid/);
  // Editors write another file, and rename it.
  await writeFile(join(files.path, 'new'), plan('Second'));
  await rename(join(files.path, 'new'), join(files.path, 'plan.yaml'));
  await shows(/ Second\n/);
  await files.add('stratagem.config.ts', settings('slow'));
  await shows(/there is no profile "fast" in models/);
  await files.add('stratagem.config.ts', settings('fast'));
  await shows(/ Second\n[\s\S]* Second\n/);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ exitCode: 0, stderr: '' });
});

test('watch draws a plan again when a module changes, or appears', async () => {
  const whole = 'goal: Whole\ntasks:\n  - { id: a, plan: ./part.yaml }\n';
  await using files = await folder({ 'plan.yaml': whole });
  const { child, ended, shows } = start(['watch', 'plan.yaml'], { cwd: files.path });
  await shows(/there is no file part.yaml/);
  await files.add('part.yaml', 'goal: Part\ntasks:\n  - { id: b, descripton: B }\n');
  await shows(/unknown field "descripton"/);
  await files.add('part.yaml', 'goal: Part\ntasks:\n  - { id: b, description: B }\n');
  await shows(/ Whole\n[\s\S]*✓ valid/);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ exitCode: 0, stderr: '' });
});

test('watch takes modules of other folders with --allow-outside', async () => {
  await using other = await folder({
    'part.yaml': 'goal: Part\ntasks: [{ id: b, description: B }]\n',
  });
  const part = join(other.path, 'part.yaml');
  await using files = await folder({
    'plan.yaml': `goal: Whole\ntasks: [{ id: a, plan: ${JSON.stringify(part)} }]\n`,
  });
  const { child, ended, shows } = start(['watch', 'plan.yaml', '--allow-outside'], {
    cwd: files.path,
  });
  await shows(/ Whole\n[\s\S]*✓ valid/);
  child.kill('SIGINT');
  await ended;
});

test('watch needs a file', async () => {
  const { exitCode, stderr } = await stratagem(['watch', '-']);
  expect(stderr).toBe('watch needs a file: standard input does not change\n');
  expect(exitCode).toBe(2);
});
