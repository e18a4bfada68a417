import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

test('init writes a plan that is valid, is drawn, is simulated and runs without a key', async () => {
  await using project = await folder({});
  const cwd = project.path;
  const written = await stratagem(['init'], { cwd });
  expect(written).toMatchObject({ exitCode: 0, stderr: '' });
  expect(written.stdout).toContain('Wrote plan.yaml\n');
  expect(written.stdout).toContain('   stratagem run plan.yaml\n');
  for (const command of ['validate', 'graph', 'run']) {
    const args = command === 'run' ? ['--latency', '1', '--json'] : [];
    const { exitCode, stderr, stdout } = await stratagem([command, 'plan.yaml', ...args], { cwd });
    expect(exitCode, stderr).toBe(0);
    if (command !== 'run') continue;
    const { outputs, tasks } = JSON.parse(stdout);
    expect(Object.keys(outputs)).toEqual(['briefing']);
    expect(tasks.map(({ id }: { id: string }) => id)).toContain('research[2]');
  }
});

test('init writes settings in comments that are valid without the marks', async () => {
  await using project = await folder({});
  const cwd = project.path;
  await stratagem(['init'], { cwd });
  const text = await readFile(join(cwd, 'plan.yaml'), 'utf8');
  const settings = /^(\s*)# ((?:models:| {2}(?:default|careful):|retry:|timeoutMs:|waitFor:).*)$/gm;
  expect(text.match(settings)).toHaveLength(6);
  await project.add('all.yaml', text.replace(settings, '$1$2'));
  const env = { OPENAI_API_KEY: 'x', ANTHROPIC_API_KEY: 'x' };
  const { exitCode, stderr } = await stratagem(['validate', 'all.yaml'], { cwd, env });
  expect(exitCode, stderr).toBe(0);
});

test('init overwrites nothing', async () => {
  await using project = await folder({ 'plan.yaml': 'mine' });
  const cwd = project.path;
  const { exitCode, stderr } = await stratagem(['init'], { cwd });
  expect(stderr).toBe('plan.yaml exists already; name another file: stratagem init other.yaml\n');
  expect(exitCode).toBe(2);
  expect(await readFile(join(cwd, 'plan.yaml'), 'utf8')).toBe('mine');
  expect(await stratagem(['init', 'my plan.yml'], { cwd })).toMatchObject({ exitCode: 0 });
  expect(await readFile(join(cwd, 'my plan.yml'), 'utf8')).toContain("stratagem run 'my plan.yml'");
});

test.each([
  ['plan.json', 'must end in .yaml'],
  ['no/such/plan.yaml', 'no such directory'],
])('init refuses to write %s', async (file, message) => {
  await using project = await folder({});
  const { exitCode, stderr } = await stratagem(['init', file], { cwd: project.path });
  expect(stderr).toContain(message);
  expect(exitCode).toBe(2);
});
