import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prompts, REPORT, recorded } from '../../test/recorded.js';
import { folder, stratagem } from '../../test/stratagem.js';

const timeout = 60_000;

describe('run --journal', { timeout }, () => {
  test('records a run that can be listed and shown, by the beginning of its id', async () => {
    await using place = await recorded(({ prompt }) => `Answer to ${prompt}`);
    const { exitCode, stdout, stderr } = await place.run();
    expect(exitCode, stderr).toBe(0);
    const [, id = ''] =
      /Recording run (\S+)\nShould it be interrupted: stratagem resume \1 --journal runs\n/.exec(
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
    expect(shown.stdout).toBe(stdout);
  });

  test('shows as JSON what run --json printed', async () => {
    await using place = await recorded(({ prompt }) => `Answer to ${prompt}`);
    const printed = JSON.parse((await place.run('--json')).stdout);
    const [{ id }] = await place.runs();
    const shown = JSON.parse((await place.command('show', id, '--json')).stdout);
    expect(shown.timeline[0]).toHaveProperty('command');
    delete shown.timeline[0].command;
    expect(shown).toEqual(printed);
  });

  test('writes no key, and asks again for a base URL that had one', async () => {
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
    expect(stderr).toMatch(/--base-url of this run held .* not recorded: give it again/);
  });

  test('of a folder that cannot be one is refused before anything runs', async () => {
    await using place = await recorded(() => 'fine');
    await place.add('runs', 'a file in its place');
    const { exitCode, stdout, stderr } = await place.run();
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('runs is no folder');
    expect(place.server.requests).toEqual([]);
  });
});

describe('a run that is wanted', { timeout }, () => {
  test('but is not there is answered with those that are', async () => {
    await using place = await recorded(() => 'fine');
    await place.run();
    const [{ id }] = await place.runs();
    for (const args of [
      ['show', 'nope'],
      ['resume', 'nope'],
    ]) {
      const { exitCode, stdout, stderr } = await place.command(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain('There is no run "nope" in this journal. It has:\n');
      expect(stderr).toContain(`${id}  completed`);
    }
  });

  test('but could be several is answered with those', async () => {
    await using place = await recorded(() => 'fine');
    // Two of seventeen ids begin with the same digit.
    for (let count = 0; count < 17; count++) {
      await stratagem(['run', 'plan.yaml', '--latency', '1', '--journal', 'runs'], {
        cwd: place.path,
      });
      const firsts = (await place.runs()).map(({ id }) => id.slice(0, 1));
      const twice = firsts.find((first, index) => firsts.indexOf(first) !== index);
      if (twice === undefined) continue;
      const { exitCode, stderr } = await place.command('show', twice);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(new RegExp(`^2 runs begin with "${twice}":\n(  ✓ ${twice}.*\n){2}`));
      return;
    }
    throw new Error('the ids are not random');
  });

  test('in a folder without a journal is told how to make one', async () => {
    await using place = await folder({});
    for (const args of [['runs'], ['show', 'a'], ['resume', 'a']]) {
      const { exitCode, stderr } = await stratagem([
        ...args,
        '--journal',
        join(place.path, 'none'),
      ]);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/^There is no journal in .*none; it is made by: stratagem run PLAN/);
    }
    expect((await stratagem(['runs', '--journal', place.path])).stdout).toBe(
      'No runs are recorded there.\n',
    );
  });
});

describe('resume', { timeout }, () => {
  test('goes on where a process was killed: nothing is asked twice but what was in flight', async () => {
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
    expect(middle.stdout).toContain('interrupted: 1 of 3 tasks completed');

    isSlow = false;
    const { exitCode, stdout, stderr } = await place.command('resume', id);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain(`Going on with run ${id}`);
    expect(stdout).toContain('completed: 3 of 3 tasks');
    expect(prompts(place.server).sort()).toEqual([
      'Analyse figures',
      'Analyse figures',
      'Analyse technology',
      'Write the report',
    ]);
    // With the options of the run: nothing of it was said again.
    expect(place.server.requests.every(({ model }) => model === 'm-1')).toBe(true);
    expect(await place.runs()).toMatchObject([{ id, status: 'completed', completedTasks: 3 }]);
  });

  test.skipIf(process.platform === 'win32')(
    'is told of after Ctrl-C, and what is printed there does it',
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
      const [, command = ''] = /To go on with it: (.*)\n$/.exec(stderr) ?? [];
      expect(await place.runs()).toMatchObject([{ status: 'interrupted', completedTasks: 1 }]);
      isSlow = false;
      const again = await place.paste(command);
      expect(again.exitCode, again.stderr).toBe(0);
      expect(again.stdout).toContain('completed: 3 of 3 tasks');
      expect(
        prompts(place.server).filter((prompt) => prompt === 'Analyse technology'),
      ).toHaveLength(1);
    },
  );

  test('is refused while another process runs it', async () => {
    await using place = await recorded(() => ({ hang: true }));
    const run = place.start();
    await run.progress(/started +finance/);
    const [{ id }] = await place.runs();
    expect(await place.runs()).toMatchObject([{ status: 'running' }]);
    const { exitCode, stdout, stderr } = await place.command('resume', id);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`Run "${id}" is under way in process ${run.child.pid}.`);
    run.child.kill('SIGKILL');
    await run.ended;
  });

  test('of a run that failed repeats nothing, unless it is to do again what failed', async () => {
    let isBroken = true;
    await using place = await recorded(({ prompt }) =>
      prompt === 'Analyse figures' && isBroken ? { status: 400, message: 'bad' } : 'fine',
    );
    const first = await place.run();
    expect(first.exitCode).toBe(1);
    const [, command = ''] = /To do again what failed: (.*)\n$/.exec(first.stderr) ?? [];
    const [{ id }] = await place.runs();
    isBroken = false;
    const still = await place.command('resume', id);
    expect(still.exitCode).toBe(1);
    expect(prompts(place.server)).toHaveLength(2);
    const { exitCode, stdout, stderr } = await place.paste(command);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain('completed: 3 of 3 tasks');
    expect(prompts(place.server).slice(2)).toEqual(['Analyse figures', 'Write the report']);
  });

  test('waits for a human where it did, and takes the answer', async () => {
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

describe('resume of a plan file that has changed', { timeout }, () => {
  /** A run of which one task is done, and its file with another prompt for another task. */
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

  test('is refused, with what has changed', async () => {
    await using place = await changed();
    const { exitCode, stdout, stderr } = await place.command('resume', place.id);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('The plan file is not what this run was started with:\n');
    expect(stderr).toContain('~ task "finance": description\n');
    expect(stderr).toMatch(/^--adopt /m);
    expect(stderr).toMatch(/^--as-recorded /m);
    expect(place.since()).toEqual([]);
  });

  test('takes it over with --adopt, and keeps what is complete and unchanged', async () => {
    await using place = await changed();
    const { exitCode, stderr } = await place.command('resume', place.id, '--adopt');
    expect(exitCode, stderr).toBe(0);
    expect(place.since()).toEqual(['Analyse money', 'Write the report']);
    // From now on that is its plan.
    expect((await place.command('resume', place.id)).exitCode).toBe(0);
  });

  test('leaves it aside with --as-recorded', async () => {
    await using place = await changed();
    const { exitCode, stderr } = await place.command('resume', place.id, '--as-recorded');
    expect(exitCode, stderr).toBe(0);
    expect(place.since()).toEqual(['Analyse figures', 'Write the report']);
  });

  test('needs no file: what is recorded will do, and another one can be named', async () => {
    await using place = await changed();
    await place.add('other.yaml', REPORT.replace('Write the report', 'Write a letter'));
    await rm(join(place.path, 'plan.yaml'));
    const refused = await place.command('resume', place.id, '--plan', 'other.yaml');
    expect(refused.stderr).toContain('~ task "report": description');
    const { exitCode, stderr } = await place.command('resume', place.id);
    expect(exitCode, stderr).toBe(0);
    expect(place.since()).toEqual(['Analyse figures', 'Write the report']);
  });

  test('that can no longer be read says how to do without', async () => {
    await using place = await changed();
    await place.add('plan.yaml', 'goal: [');
    const { exitCode, stderr } = await place.command('resume', place.id);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--as-recorded goes on with the plan as it was.');
  });

  test('takes no options that contradict each other', async () => {
    await using place = await changed();
    const { exitCode, stderr } = await place.command(
      'resume',
      place.id,
      '--adopt',
      '--as-recorded',
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--as-recorded and --adopt contradict each other');
  });
});

describe('--reuse and --dry', { timeout }, () => {
  test('take what is unchanged from earlier runs, and say so beforehand', async () => {
    await using place = await recorded(({ prompt }) => `Answer to ${prompt}`);
    await place.run();
    const [{ id }] = await place.runs();
    await place.add('plan.yaml', REPORT.replace('Analyse figures', 'Analyse money'));

    const dry = await place.run('--dry', '--reuse');
    expect(dry.exitCode, dry.stderr).toBe(0);
    expect(dry.stdout).toContain('2 of 3 tasks would run');
    expect(dry.stdout).toMatch(new RegExp(`– tech +does not +reused from run ${id}\n`));
    expect(dry.stdout).toMatch(/▸ finance +runs +changed: description\n/);
    expect(dry.stdout).toMatch(/▸ report +runs +input of finance changed\n/);
    expect(prompts(place.server)).toHaveLength(3);
    expect(await place.runs()).toHaveLength(1);

    const { exitCode, stderr } = await place.run('--reuse');
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`reused    tech from run ${id}`);
    expect(prompts(place.server).slice(3)).toEqual(['Analyse money', 'Write the report']);
  });

  test('without --reuse, all of it would run', async () => {
    await using place = await recorded(() => 'fine');
    await place.run();
    const [{ id }] = await place.runs();
    const { runs, reused, tasks } = JSON.parse((await place.run('--dry', '--json')).stdout);
    expect({ runs, reused }).toEqual({ runs: 3, reused: 0 });
    expect(tasks[0]).toEqual({
      id: 'tech',
      runs: true,
      reason: 'new',
      message: `done in run ${id}; --reuse would take its output`,
    });
    expect(prompts(place.server)).toHaveLength(3);
  });

  test('--reuse without a journal is told what it needs', async () => {
    const { exitCode, stderr } = await stratagem(['run', '-', '--reuse'], {
      stdin: 'goal: g\ntasks: [{ id: a, description: b }]\n',
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--reuse needs --journal DIR');
  });
});
