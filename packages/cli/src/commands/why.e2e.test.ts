import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';
import { inVirtualTime } from '../../test/virtual-time.js';

/** Six tasks, two at once, and a report on the first. */
const plan = JSON.stringify({
  goal: 'Six papers',
  tasks: [
    ...Array.from({ length: 6 }, (_, n) => ({ id: `paper-${n}`, description: `Read paper ${n}` })),
    { id: 'report', description: 'Write it', dependencies: ['paper-0'] },
  ],
});

async function recorded() {
  const place = await folder({ 'plan.json': plan });
  const journal = `${place.path}/runs`;
  const args = ['--max-parallel', '2', '--latency', '20', '--journal', journal];
  const run = await inVirtualTime(() => stratagem(['run', `${place.path}/plan.json`, ...args]));
  const [, id = ''] = /Recording run (\S+)/.exec(run.stderr) ?? [];
  return {
    id,
    run,
    journal,
    why: (...more: string[]) => stratagem(['why', ...more, '--journal', journal]),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

describe('why', () => {
  test('names the parts of the time, the chain, the waits and what would have been faster', async () => {
    await using place = await recorded();
    expect(place.run.stderr).toContain(
      `See where time went   stratagem why ${place.id.slice(0, 8)} --journal `,
    );
    const { exitCode, stdout, stderr } = await place.why(place.id.slice(0, 8));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Six papers\ncompleted · .* · parallel · 7 tasks\n/);
    expect(stdout).toMatch(/What decided the time\n {2}(waiting for a free slot|model and tools) /);
    expect(stdout).toMatch(/in order of time\n {2}at +0 ms .*\n/);
    expect(stdout).toMatch(
      /What ready tasks waited for, all together\n {2}free slot .* in 5 tasks/,
    );
    expect(stdout).toMatch(/What would have been faster\n[\s\S]*at most 4 at once .* less\n/);
  });

  test('the parts in JSON add up to the makespan exactly', async () => {
    await using place = await recorded();
    const { stdout } = await place.why(place.id, '--json');
    const { runId, makespanMs, criticalPath, alternatives } = JSON.parse(stdout);
    expect(runId).toBe(place.id);
    const sum = criticalPath.parts.reduce((total: number, { ms }: { ms: number }) => total + ms, 0);
    expect(sum).toBe(makespanMs);
    expect(alternatives.length).toBeGreaterThan(2);
  });

  test('explains one task, and what waited for it', async () => {
    await using place = await recorded();
    const { exitCode, stdout } = await place.why(place.id, 'paper-0');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^✓ paper-0\n {2}completed · ran \d+ ms · waited 0 ms/);
    expect(stdout).toContain('it was the last that report waited for');
    const report = JSON.parse((await place.why(place.id, 'report', '--json')).stdout);
    expect(report.spans[0]).toMatchObject({ kind: 'dependency', by: 'paper-0' });
    expect(report.attempts).toMatchObject([{ attempt: 1, outcome: 'completed' }]);
  });

  test('names the dependency in full, on a second line if it is long', async () => {
    const long = 'the-summary-of-all-papers-of-the-year';
    await using place = await folder({
      'plan.json': JSON.stringify({
        goal: 'x',
        tasks: [
          { id: long, description: 'x' },
          { id: 'report', description: 'x', dependencies: [long] },
        ],
      }),
    });
    const journal = `${place.path}/runs`;
    const args = ['run', `${place.path}/plan.json`, '--latency', '5', '--journal', journal];
    const [, id = ''] = /Recording run (\S+)/.exec((await stratagem(args)).stderr) ?? [];
    const { stdout } = await stratagem(['why', id, 'report', '--journal', journal]);
    expect(stdout).toMatch(new RegExp(`waited for dependencies, until\n {27}${long} had ended\n`));
  });

  test('tells how adaptive chose its limit', async () => {
    const tasks = Array.from({ length: 120 }, (_, n) => ({ id: `t${n}`, description: 'x' }));
    const file = JSON.stringify({ goal: 'x', strategy: 'adaptive', tasks });
    await using place = await folder({ 'plan.json': file });
    const journal = `${place.path}/runs`;
    const args = ['run', `${place.path}/plan.json`, '--latency', '50', '--journal', journal];
    const { stderr } = await inVirtualTime(() => stratagem(args));
    const [, id = ''] = /Recording run (\S+)/.exec(stderr) ?? [];
    const { stdout } = await stratagem(['why', id, '--journal', journal]);
    expect(stdout).toMatch(/How the strategy chose its limit\n {2}at .* at most \d+ at once/);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/is expected to lose \d+ % of the throughput/);
    const { switches } = JSON.parse(
      (await stratagem(['why', id, '--journal', journal, '--json'])).stdout,
    );
    expect(switches[0].explanations.length).toBeGreaterThanOrEqual(1);
  });

  test.each<[string, (id: string) => string[], string]>([
    ['an unknown task', (id) => [id, 'paper'], 'Did you mean "paper-0" or "paper-1"'],
    ['another unknown task', (id) => [id, '\u001b[2J'], 'There is no task "␛[2J" in this run.'],
    ['an unknown run', () => ['zzz'], 'No run "zzz" in this journal. It contains:'],
    ['no run', () => [], "missing required argument 'run'"],
  ])('%s is a usage error', async (_, args, message) => {
    await using place = await recorded();
    const { exitCode, stdout, stderr } = await place.why(...args(place.id));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('a journal that is missing is a usage error', async () => {
    const { exitCode, stderr } = await stratagem(['why', 'a', '--journal', '/nonexistent/runs']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('No journal in /nonexistent/runs');
  });
});
