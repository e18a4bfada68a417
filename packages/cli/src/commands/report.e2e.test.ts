import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { recorded } from '../../test/recorded.js';
import { folder, start, stratagem } from '../../test/stratagem.js';

const PLAN = `goal: Market research report
tasks:
  - { id: tech, description: Analyse technology }
  - { id: finance, description: Analyse figures }
  - { id: report, description: Write the report, dependencies: [tech, finance] }
`;

/** The models inside a report. */
function modelsIn(html: string) {
  const scripts = html.matchAll(/<script type="application\/x-run">([^<]*)<\/script>/g);
  return Array.from(scripts, ([, base64 = '']) =>
    JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString()),
  );
}

describe('run --report and --trace', () => {
  test('write the run into files, and name them', async () => {
    await using files = await folder({ 'plan.yaml': PLAN });
    const args = ['run', 'plan.yaml', '--latency', '5', '--report', 'r.html', '--trace', 't.json'];
    const { exitCode, stderr } = await stratagem(args, { cwd: files.path });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('Wrote r.html\nWrote t.json');
    const [{ model }] = modelsIn(await readFile(join(files.path, 'r.html'), 'utf8'));
    expect(model).toMatchObject({ goal: 'Market research report', status: 'completed' });
    expect(model.tasks).toHaveLength(3);
    const trace = JSON.parse(await readFile(join(files.path, 't.json'), 'utf8'));
    expect(trace.traceEvents.length).toBeGreaterThan(10);
  });

  test('refuse a file that cannot be written before anything runs', async () => {
    const args = ['run', '-', '--report', 'no/such/folder/r.html'];
    const { exitCode, stderr, stdout } = await stratagem(args, { stdin: PLAN });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/cannot write no\/such\/folder\/r.html: there is no directory/);
    expect(stdout).toBe('');
  });

  test('write the run of a goal', async () => {
    await using files = await folder({});
    const args = ['run', '--goal', 'Compare two databases', '--yes', '--latency', '5'];
    const { stderr } = await stratagem([...args, '--report', 'g.html'], { cwd: files.path });
    expect(stderr).toContain('Wrote g.html');
    expect(modelsIn(await readFile(join(files.path, 'g.html'), 'utf8'))).toHaveLength(1);
  });
});

describe('report', () => {
  test('writes a recorded run, and a second one to compare it with', async () => {
    await using journal = await recorded(({ prompt }) =>
      prompt.startsWith('Analyse figures') ? { status: 400, message: 'no' } : 'an answer',
    );
    await journal.run();
    await journal.run();
    const [first, second] = await journal.runs();
    const { exitCode, stdout } = await journal.command(
      ...['report', first.id, '-o', 'first.html', '--compare', second?.id ?? ''],
      ...['--trace', 'trace.json', '--timeline', 'timeline.svg', '--graph', 'graph.svg'],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toBe('first.html\ntrace.json\ntimeline.svg\ngraph.svg\n');
    const read = (name: string) => readFile(join(journal.path, name), 'utf8');
    const html = await read('first.html');
    const runs = modelsIn(html);
    expect(runs.map(({ model }) => model.status)).toEqual(['failed', 'failed']);
    expect(runs[1].model.runId).toBe(first.id);
    expect(runs[1].extras.retryCommand).toBe(
      `stratagem resume ${first.id} --journal runs --retry-failed`,
    );
    expect(await read('timeline.svg')).toContain('<svg');
    expect(await read('graph.svg')).toContain('<svg');
    expect(html).not.toContain('sk-planted-key');
  });

  test.each(['--timeline', '--graph'])('refuses a %s that is no SVG', async (option) => {
    await using journal = await recorded(() => 'an answer');
    await journal.run();
    const [{ id }] = await journal.runs();
    const { exitCode, stdout, stderr } = await journal.command('report', id, option, 'a.b.png');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`${option} draws an SVG picture: name it a.b.svg.`);
  });

  test('of an unknown run is a usage error', async () => {
    await using journal = await recorded(() => 'an answer');
    await journal.run();
    const { exitCode, stderr } = await journal.command('report', 'nobody');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('No run "nobody"');
  });
});

/** The cookie that a page gets for the address that was printed. */
async function enter(url: string): Promise<{ origin: string; cookie: string }> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';');
  return { origin: new URL(url).origin, cookie };
}

describe('run --ui', () => {
  test('serves a page that answers the questions of the run', async () => {
    const plan = `goal: Publish
tasks:
  - { id: write, description: Write }
  - { id: ok, description: Publish it?, dependencies: [write], waitFor: approval }
`;
    const command = start(['run', '-', '--latency', '5', '--ui'], { stdin: plan });
    let stderr = '';
    command.child.stderr.on('data', (text: string) => {
      stderr += text;
    });
    await command.progress(/Watch the run: \S+\n/);
    await command.progress(/waiting .*ok/);
    const [, url = ''] = /Watch the run: (\S+)\n/.exec(stderr) ?? [];
    const { origin, cookie } = await enter(url);
    const runId = new URLSearchParams(new URL(url).hash.slice(1)).get('run');
    const act = () =>
      fetch(`${origin}/api/runs/${runId}/actions`, {
        method: 'POST',
        headers: { cookie, origin },
        body: JSON.stringify({ control: 'approve', taskId: 'ok' }),
      });
    expect((await act()).status).toBe(204);
    const { exitCode } = await command.ended;
    expect(exitCode).toBe(0);
  });

  test('lists the other runs of its journal, too', async () => {
    await using files = await folder({ 'plan.yaml': PLAN });
    const options = { cwd: files.path };
    await stratagem(['run', 'plan.yaml', '--latency', '1', '--journal', 'runs'], options);
    const args = ['run', 'plan.yaml', '--latency', '600000', '--journal', 'runs', '--ui'];
    const command = start(args, options);
    await command.progress(/Watch the run: \S+\n/);
    const [, url = ''] = /Watch the run: (\S+)\n/.exec(command.printed.stderr) ?? [];
    const { origin, cookie } = await enter(url);
    const stream = await fetch(`${origin}/api/events`, { headers: { cookie } });
    let text = '';
    for await (const chunk of stream.body as ReadableStream<Uint8Array>) {
      text += new TextDecoder().decode(chunk);
      if (/data: .*\n/.test(text)) break;
    }
    const [, data = ''] = /data: (.*)\n/.exec(text) ?? [];
    const listed = JSON.parse(data).map(({ status }: { status: string }) => status);
    expect(listed.sort()).toEqual(['completed', 'running']);
    command.child.kill('SIGINT');
    await command.ended;
  });

  test('shows the planning of a goal and the run of its plan', async () => {
    const args = ['run', '--goal', 'Compare two databases, then write a report', '--yes'];
    const { stderr, exitCode } = await stratagem([...args, '--latency', '5', '--ui']);
    expect(exitCode).toBe(0);
    expect(stderr.match(/Watch the run: http:\/\/127\.0\.0\.1:/g)?.length).toBeGreaterThan(0);
  });

  test('--port without --ui is a usage error', async () => {
    const { exitCode, stderr } = await stratagem(['run', '-', '--port', '8080'], { stdin: PLAN });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--port has no effect without --ui');
  });
});

describe('ui', () => {
  test('serves all runs of a journal, and runs again what failed', async () => {
    let isDown = true;
    await using journal = await recorded(() =>
      isDown ? { status: 400, message: 'no' } : 'an answer',
    );
    await journal.run();
    const [{ id }] = await journal.runs();
    isDown = false;
    const ui = start(['ui', '--journal', 'runs'], {
      cwd: journal.path,
      env: { OPENAI_API_KEY: 'sk-planted-key' },
    });
    await ui.shows(/http\S+\n/);
    const { origin, cookie } = await enter(ui.printed.stdout.trim());
    const retried = await fetch(`${origin}/api/runs/${id}/actions`, {
      method: 'POST',
      headers: { cookie, origin },
      body: JSON.stringify({ control: 'retryFailed' }),
    });
    expect(retried.status).toBe(204);
    await expect.poll(async () => (await journal.runs())[0].status).toBe('completed');
    ui.child.kill('SIGINT');
    expect((await ui.ended).exitCode).toBe(0);
  });
});
