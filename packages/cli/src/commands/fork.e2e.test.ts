import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const PLAN = `
goal: Report
inputs:
  company: { type: string, default: Apple }
tasks:
  - { id: research, description: "Facts on {{inputs.company}}" }
  - { id: rivals, description: List rivals }
  - { id: report, description: "Write from {{research}}", dependencies: [research] }
  - { id: mail, description: "Send {{report}}", dependencies: [report] }
`;

/** A folder with a recorded run of the plan. */
async function recorded() {
  const place = await folder({ 'plan.yaml': PLAN });
  const journal = `${place.path}/runs`;
  const command = (...args: string[]) => stratagem([...args, '--journal', journal]);
  const { stderr } = await command('run', `${place.path}/plan.yaml`);
  const [, id = ''] = /Recording run (\S+)/.exec(stderr) ?? [];
  return {
    ...{ id, command, path: place.path, add: place.add },
    async ids() {
      const { stdout } = await command('runs', '--json');
      return JSON.parse(stdout).map((run: { readonly id: string }) => run.id);
    },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

/** The tasks that a run has started, in order of their ids. */
function startedIn(stderr: string): string[] {
  return Array.from(stderr.matchAll(/started +(\S+)/g), ([, id = '']) => id).sort();
}

describe('rerun and fork', () => {
  test('run a task and what depends on it again, in a run that names its source', async () => {
    await using place = await recorded();
    const before = (await place.command('show', place.id, '--json')).stdout;
    const task = ['--task', 'report', '--run-id', 'again'];
    const { exitCode, stderr } = await place.command('rerun', place.id.slice(0, 8), ...task);
    expect(exitCode, stderr).toBe(0);
    expect(startedIn(stderr)).toEqual(['mail', 'report']);
    expect(stderr).toMatch(new RegExp(`forked {4}from run ${place.id} at event \\d+: runs "rep`));
    expect(stderr).not.toContain('resumed');
    expect(stderr).toContain(` ✓ Report\n   forked from ${place.id}\n`);
    const { stdout: why } = await place.command('why', 'again');
    expect(why).toMatch(
      /^Report\ncompleted · .*\nforked from run [\da-f-]{36} at event \d+: runs\s+"report"\s+again/,
    );
    const { stdout: whySource } = await place.command('why', place.id);
    expect(whySource).toMatch(/\nhas the fork again at event \d+: runs "report" again\n/);
    const { stdout: kept } = await place.command('why', 'again', 'rivals');
    expect(kept).toContain(`completed · output taken from run ${place.id}`);
    expect((await place.command('show', place.id, '--json')).stdout).toBe(before);
  });

  test('run the users of another input again', async () => {
    await using place = await recorded();
    const { stdout, stderr } = await place.command('fork', place.id, '--input', 'company=IBM');
    expect(startedIn(stderr)).toEqual(['mail', 'report', 'research']);
    expect(stdout).toContain('Facts on IBM');
  });

  test('run what an edited plan changes again; the fork is resumed with that plan', async () => {
    await using place = await recorded();
    await place.add('edited.yaml', PLAN.replace('List rivals', 'Name rivals'));
    const edit = ['--edit', `${place.path}/edited.yaml`, '--run-id', 'edited'];
    const { exitCode, stdout, stderr } = await place.command('rerun', place.id, ...edit);
    expect(exitCode, stderr).toBe(0);
    expect(startedIn(stderr)).toEqual(['rivals']);
    expect(stdout).toContain('Name rivals');
    expect((await place.command('resume', 'edited')).exitCode).toBe(0);
  });

  test('run what completed after an event again', async () => {
    await using place = await recorded();
    const { timeline } = JSON.parse((await place.command('show', place.id, '--json')).stdout);
    const isOfReport = (event: { readonly type: string; readonly taskId?: string }) =>
      event.type === 'task_completed' && event.taskId === 'report';
    const at = String(timeline.find(isOfReport).sequence);
    const { stderr } = await place.command('fork', place.id, '--at', at);
    expect(startedIn(stderr)).toEqual(['mail']);
  });

  test.each([
    [['rerun', '--task', 'reprot'], /has no task "reprot". Did you mean "report"\?/],
    [['rerun'], /^name what runs again: --task ID, or --edit PLAN for what it changes/],
    [['fork', '--at', '9999'], /has no event 9999; its last one is \d+/],
    [['fork', '--at', 'x'], /'--at <event>' argument 'x' is invalid/],
    [['fork', '--input', 'compny=x'], /compny.*company/],
    [['fork', '--run-id', 'a/b'], /runId must have letters/],
  ])('refuse %j and begin no run', async ([command = '', ...args], message) => {
    await using place = await recorded();
    const { exitCode, stderr } = await place.command(command, place.id, ...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(message) });
    expect(await place.ids()).toEqual([place.id]);
  });
});
