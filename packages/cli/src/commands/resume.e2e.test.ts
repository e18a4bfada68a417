import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prompts, REPORT, recorded } from '../../test/recorded.js';
import { folder, stratagem } from '../../test/stratagem.js';

describe('run --journal', () => {
  test('records a run that can be listed, and shown by the start of its id', async () => {
    await using place = await recorded(({ prompt }) => `Answer to ${prompt}`);
    const { exitCode, stdout, stderr } = await place.run();
    expect(exitCode, stderr).toBe(0);
    const [, id = ''] =
      /Recording run ((\w{8})\S+)\nTo resume it after an interruption: stratagem resume \2 --journal runs\n/.exec(
        stderr,
      ) ?? [];
    expect(id).not.toBe('');

    expect(await place.runs()).toEqual([
      {
        id,
        goal: 'Market research report',
        status: 'completed',
        startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        completedTasks: 3,
        totalTasks: 3,
      },
    ]);
    expect((await place.command('runs')).stdout).toMatch(
      new RegExp(
        `^ {2}✓ ${id} {2}completed {2}3 of 3 {2}[\\d-]+ [\\d:]+ {2}Market research report\n$`,
      ),
    );
    const shown = await place.command('show', id.slice(0, 8));
    // The record has the cost, and not the date of the prices.
    expect(shown.stdout).toBe(stdout.replace(/ \(prices of [\d-]+\)/, ''));
  });

  test('makes show --json print the document of run --json', async () => {
    await using place = await recorded(({ prompt }) => `Answer to ${prompt}`);
    const printed = JSON.parse((await place.run('--json')).stdout);
    const [{ id }] = await place.runs();
    const shown = JSON.parse((await place.command('show', id, '--json')).stdout);
    expect(shown.timeline[0]).toHaveProperty('command');
    delete shown.timeline[0].command;
    expect(shown).toEqual(printed);
  });

  test('records no key, and no base URL with one', async () => {
    await using place = await recorded(({ prompt }) =>
      prompt === 'Analyse figures' ? { status: 400, message: 'bad' } : 'fine',
    );
    const withSecret = `${place.server.url}?key=hunter2-in-url`;
    expect((await place.run('--base-url', withSecret)).exitCode).toBe(1);
    const bytes = await place.bytes();
    expect(bytes).toContain('Analyse figures');
    expect(bytes).not.toContain('sk-planted-key');
    expect(bytes).not.toContain('hunter2');
    const [{ id }] = await place.runs();
    const { exitCode, stderr } = await place.command('resume', id, '--retry-failed');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--base-url of this run had .* not recorded: use --base-url again/);
  });

  test('with a file as the directory is refused before anything runs', async () => {
    await using place = await recorded(() => 'fine');
    await place.add('runs', 'a file in its place');
    const { exitCode, stdout, stderr } = await place.run();
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('runs is not a folder');
    expect(place.server.requests).toEqual([]);
  });
});

describe('a run id', () => {
  test('that does not exist is refused with a list of the runs', async () => {
    await using place = await recorded(() => 'fine');
    await place.run();
    const [{ id }] = await place.runs();
    for (const args of [
      ['show', 'nope'],
      ['resume', 'nope'],
    ]) {
      const { exitCode, stdout, stderr } = await place.command(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain('No run "nope" in this journal. It contains:\n');
      expect(stderr).toContain(`${id}  completed`);
    }
  });

  test('that is ambiguous is refused with a list of the matches', async () => {
    await using place = await recorded(() => 'fine');
    // Among seventeen ids, two start with the same hexadecimal digit.
    for (let count = 0; count < 17; count++) {
      await stratagem(['run', 'plan.yaml', '--latency', '1', '--journal', 'runs'], {
        cwd: place.path,
      });
      const firsts = (await place.runs()).map(({ id }) => id.slice(0, 1));
      const twice = firsts.find((first, index) => firsts.indexOf(first) !== index);
      if (twice === undefined) continue;
      const { exitCode, stderr } = await place.command('show', twice);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(
        new RegExp(`^2 run ids start with "${twice}":\n(  ✓ ${twice}.*\n){2}`),
      );
      return;
    }
    throw new Error('the ids are not random');
  });

  test('in a directory without a journal is refused with a remedy', async () => {
    await using place = await folder({});
    for (const args of [['runs'], ['show', 'a'], ['resume', 'a']]) {
      const { exitCode, stderr } = await stratagem([
        ...args,
        '--journal',
        join(place.path, 'none'),
      ]);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/^No journal in .*none\. Create one with: stratagem run PLAN/);
    }
    expect((await stratagem(['runs', '--journal', place.path])).stdout).toBe(
      'There are no recorded runs.\n',
    );
  });
});

describe('resume', () => {
  test('continues after the process was killed, and repeats only attempts in flight', async () => {
    let isSlow = true;
    await using place = await recorded(({ prompt }) =>
      prompt === 'Analyse figures' && isSlow ? { hang: true } : `Answer to ${prompt}`,
    );
    const run = place.start('--model', 'm-1');
    await run.progress(/completed tech/);
    run.child.kill('SIGKILL');
    await run.ended;
    const [{ id, status, completedTasks }] = await place.runs();
    expect({ status, completedTasks }).toEqual({ status: 'interrupted', completedTasks: 1 });
    const middle = await place.command('show', id);
    expect(middle.stderr).toMatch(/! Market research report\n {3}interrupted\n/);
    expect(middle.stderr).toContain('✓ 1 · ○ 2 not done ·');

    isSlow = false;
    const { exitCode, stderr } = await place.command('resume', id);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain(`Resuming run ${id}`);
    expect(stderr).toContain('✓ 3 of 3 ·');
    expect(prompts(place.server).sort()).toEqual([
      'Analyse figures',
      'Analyse figures',
      'Analyse technology',
      'Write the report',
    ]);
    // The recorded options of the run apply again.
    expect(place.server.requests.every(({ model }) => model === 'm-1')).toBe(true);
    expect(await place.runs()).toMatchObject([{ id, status: 'completed', completedTasks: 3 }]);
  });

  test.skipIf(process.platform === 'win32')(
    'works with the command that is printed after Ctrl-C',
    async () => {
      let isSlow = true;
      await using place = await recorded(({ prompt }) =>
        prompt === 'Analyse figures' && isSlow ? { hang: true } : `Answer to ${prompt}`,
      );
      const run = place.start();
      await run.progress(/completed tech/);
      run.child.kill('SIGINT');
      const { exitCode, stderr } = await run.ended;
      expect(exitCode).toBe(130);
      const [, command = ''] = /Resume the run +(.*)\n/.exec(stderr) ?? [];
      expect(await place.runs()).toMatchObject([{ status: 'interrupted', completedTasks: 1 }]);
      isSlow = false;
      const again = await place.paste(command);
      expect(again.exitCode, again.stderr).toBe(0);
      expect(again.stderr).toContain('✓ 3 of 3 ·');
      expect(
        prompts(place.server).filter((prompt) => prompt === 'Analyse technology'),
      ).toHaveLength(1);
    },
  );

  test('is refused while another process runs the plan', async () => {
    await using place = await recorded(() => ({ hang: true }));
    const run = place.start();
    await run.progress(/started +finance/);
    const [{ id }] = await place.runs();
    expect(await place.runs()).toMatchObject([{ status: 'running' }]);
    const { exitCode, stdout, stderr } = await place.command('resume', id);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`Run "${id}" is running in process ${run.child.pid}.`);
    run.child.kill('SIGKILL');
    await run.ended;
  });

  test('of a failed run repeats nothing, and with --retry-failed the failed tasks', async () => {
    let isBroken = true;
    await using place = await recorded(({ prompt }) =>
      prompt === 'Analyse figures' && isBroken ? { status: 400, message: 'bad' } : 'fine',
    );
    const first = await place.run();
    expect(first.exitCode).toBe(1);
    const [, command = ''] = /Retry what failed +(.*)\n/.exec(first.stderr) ?? [];
    const [{ id }] = await place.runs();
    isBroken = false;
    const still = await place.command('resume', id);
    expect(still.exitCode).toBe(1);
    expect(still.stderr).toContain(
      'The run has ended: no task is left to run. To run again what failed, use --retry-failed.\n',
    );
    expect(prompts(place.server)).toHaveLength(2);
    const { exitCode, stderr } = await place.paste(command);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain('✓ 3 of 3 ·');
    expect(stderr).not.toContain('no task is left');
    expect(prompts(place.server).slice(2)).toEqual(['Analyse figures', 'Write the report']);
  });

  test('waits for the same human step, and takes the answer', async () => {
    const plan = `goal: Publish
tasks:
  - { id: write, description: Write it }
  - { id: ok, description: Publish it?, dependencies: [write], waitFor: approval }
  - { id: publish, description: Publish it now, dependencies: [ok] }
`;
    await using place = await recorded(() => 'fine', plan);
    const first = await place.run();
    expect(first.exitCode).toBe(1);
    expect(first.stderr).toContain('task "ok" waits for an approval');
    const [{ id }] = await place.runs();
    const again = await place.command('resume', id);
    expect(again.stderr).toContain('task "ok" waits for an approval');
    const { exitCode, stderr } = await place.command('resume', id, '--approve', 'ok');
    expect(exitCode, stderr).toBe(0);
    expect(prompts(place.server)).toEqual(['Write it', 'Publish it now']);
  });
});

describe('resume of a plan file that has changed', () => {
  /** A run with one completed task, and its plan file with a changed prompt of another task. */
  async function changed() {
    let isSlow = true;
    const place = await recorded(({ prompt }) =>
      prompt === 'Analyse figures' && isSlow ? { hang: true } : `Answer to ${prompt}`,
    );
    const run = place.start();
    await run.progress(/completed tech/);
    run.child.kill('SIGKILL');
    await run.ended;
    isSlow = false;
    const [{ id }] = await place.runs();
    await place.add('plan.yaml', REPORT.replace('Analyse figures', 'Analyse money'));
    return { ...place, id, since: () => prompts(place.server).slice(2) };
  }

  test('is refused with a list of the changes', async () => {
    await using place = await changed();
    const { exitCode, stdout, stderr } = await place.command('resume', place.id);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(
      'The plan file differs from the plan that this run was started with:\n',
    );
    expect(stderr).toContain('~ task "finance": description\n');
    expect(stderr).toMatch(/^--accept-changes /m);
    expect(stderr).toMatch(/^--use-recorded-plan /m);
    expect(place.since()).toEqual([]);
  });

  test('uses the file with --accept-changes, and keeps unchanged completed tasks', async () => {
    await using place = await changed();
    const { exitCode, stderr } = await place.command('resume', place.id, '--accept-changes');
    expect(exitCode, stderr).toBe(0);
    expect(place.since()).toEqual(['Analyse money', 'Write the report']);
    // The changed plan is now the plan of the run.
    expect((await place.command('resume', place.id)).exitCode).toBe(0);
  });

  test('ignores the file with --use-recorded-plan', async () => {
    await using place = await changed();
    const { exitCode, stderr } = await place.command('resume', place.id, '--use-recorded-plan');
    expect(exitCode, stderr).toBe(0);
    expect(place.since()).toEqual(['Analyse figures', 'Write the report']);
  });

  test('uses the recorded plan without the file, or another file with --plan', async () => {
    await using place = await changed();
    await place.add('other.yaml', REPORT.replace('Write the report', 'Write a letter'));
    await rm(join(place.path, 'plan.yaml'));
    const refused = await place.command('resume', place.id, '--plan', 'other.yaml');
    expect(refused.stderr).toContain('~ task "report": description');
    const { exitCode, stderr } = await place.command('resume', place.id);
    expect(exitCode, stderr).toBe(0);
    expect(place.since()).toEqual(['Analyse figures', 'Write the report']);
  });

  test('that is no longer valid is refused with a remedy', async () => {
    await using place = await changed();
    await place.add('plan.yaml', 'goal: [');
    const { exitCode, stderr } = await place.command('resume', place.id);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Use --use-recorded-plan to resume with the recorded plan.');
  });

  test('refuses options that contradict each other', async () => {
    await using place = await changed();
    const { exitCode, stderr } = await place.command(
      'resume',
      place.id,
      '--accept-changes',
      '--use-recorded-plan',
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--use-recorded-plan and --accept-changes cannot be combined');
  });
});

describe('--reuse and --dry-run', () => {
  test('reuse unchanged tasks of earlier runs, as predicted', async () => {
    await using place = await recorded(({ prompt }) => `Answer to ${prompt}`);
    await place.run();
    const [{ id }] = await place.runs();
    await place.add('plan.yaml', REPORT.replace('Analyse figures', 'Analyse money'));

    const dry = await place.run('--dry-run', '--reuse');
    expect(dry.exitCode, dry.stderr).toBe(0);
    expect(dry.stdout).toContain('2 of 3 tasks would run');
    expect(dry.stdout).toMatch(new RegExp(`– tech +skip +reused from run ${id.slice(0, 8)}\n`));
    expect(dry.stdout).toMatch(/▸ finance +run +openai\/\S+ +changed: description\n/);
    expect(dry.stdout).toMatch(/▸ report +run +openai\/\S+ +input of finance changed\n/);
    expect(prompts(place.server)).toHaveLength(3);
    expect(await place.runs()).toHaveLength(1);

    const { exitCode, stderr } = await place.run('--reuse');
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`reused    tech from run ${id}`);
    expect(prompts(place.server).slice(3)).toEqual(['Analyse money', 'Write the report']);
  });

  test('without --reuse, all tasks would run', async () => {
    await using place = await recorded(() => 'fine');
    await place.run();
    const [{ id }] = await place.runs();
    const { runs, reused, tasks } = JSON.parse((await place.run('--dry-run', '--json')).stdout);
    expect({ runs, reused }).toEqual({ runs: 3, reused: 0 });
    expect(tasks[0]).toEqual({
      ...{ id: 'tech', level: 0, resource: expect.stringContaining('openai/') },
      runs: true,
      reason: 'new',
      message: `completed in run ${id}; --reuse would reuse its output`,
    });
    expect(prompts(place.server)).toHaveLength(3);
  });

  test('--reuse without a journal is refused with a remedy', async () => {
    const { exitCode, stderr } = await stratagem(['run', '-', '--reuse'], {
      stdin: 'goal: g\ntasks: [{ id: a, description: b }]\n',
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--reuse needs --journal DIR');
  });
});
