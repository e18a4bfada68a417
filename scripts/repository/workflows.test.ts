import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const workflows = globSync('.github/workflows/*.yml', { cwd: root }).map((file) => ({
  file,
  text: readFileSync(join(root, file), 'utf8'),
}));

/** The command lines of a workflow. */
function commandsOf(text: string): string[] {
  const values = [...text.matchAll(/^\s*(?:- )?(?:run|version|publish): (.+)$/gm)];
  return values.map(([, command]) => command as string);
}

test('workflows run scripts that exist', () => {
  const commands = workflows.flatMap(({ text }) => commandsOf(text));
  expect(commands).toContain('npm test');
  const missing = commands.filter((command) => {
    const [, file] = /^node (\S+)/.exec(command) ?? [];
    if (file !== undefined) return !existsSync(join(root, file));
    const [, script] = /^(?:npm|pnpm)(?: run)? ([\w:-]+)/.exec(command) ?? [];
    return script !== undefined && manifest.scripts[script] === undefined;
  });
  expect(missing).toEqual([]);
});

test('the matrix begins with the oldest Node that packages allow', () => {
  const text = workflows.find(({ file }) => file.endsWith('ci.yml'))?.text ?? '';
  const [, versions = ''] = /^\s*node: \[(.+)\]$/m.exec(text) ?? [];
  const core = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8'));
  expect(core.engines.node).toBe(`>=${JSON.parse(`[${versions}]`)[0]}`);
  for (const os of ['ubuntu', 'macos', 'windows']) expect(text).toContain(`${os}-latest`);
  for (const age of ['oldest', 'newest']) expect(text).toMatch(new RegExp(`age: .*${age}`));
});

test('every action is pinned to a version', () => {
  const actions = workflows.flatMap(({ text }) =>
    Array.from(text.matchAll(/uses: (\S+)/g), ([, action]) => action as string),
  );
  expect(actions.length).toBeGreaterThan(5);
  for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w./-]+@v\d+$/);
});
