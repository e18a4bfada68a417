import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localDependencies, npmInstall, npmProject } from './npm-project.js';
import { manifests, run } from './packages.js';

test('a created project runs, passes its checks, and so does each part', async () => {
  const tools = await npmProject('tools', ['create-stratagem']);
  const command = join(tools, 'node_modules/.bin/create-stratagem');
  await run(command, ['project'], tools);
  const project = join(tools, 'project');
  const file = join(project, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  for (const [name, range] of Object.entries(manifest.dependencies)) {
    expect(range, name).toBe(`^${manifests.get(name)?.version}`);
  }
  manifest.dependencies = localDependencies(Object.keys(manifest.dependencies));
  await writeFile(file, JSON.stringify(manifest));
  await npmInstall(project);
  for (const part of ['strategy', 'provider', 'journal']) {
    await run(command, [part, `my-${part}`], project);
  }
  const { stdout } = await run('npm', ['start'], project);
  expect(stdout).toContain('Task "decision" completed');
  await run('npm', ['run', 'check'], project);
  const tested = await run('npm', ['test'], project);
  expect(tested.stdout).toMatch(/^ℹ tests [4-9]\d$/m);
  expect(tested.stdout).toMatch(/^ℹ fail 0$/m);
});
