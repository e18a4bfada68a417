import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';
import { inVirtualTime } from '../../test/virtual-time.js';

interface Row {
  readonly maxParallel: number;
  readonly status: string;
  readonly makespanMs: number;
  readonly rateLimited: number;
  readonly overloaded: number;
  readonly makespanRangeMs?: { readonly low: number; readonly high: number };
}

interface Document {
  readonly strategy: string;
  readonly server: string;
  readonly assumptions: readonly string[];
  readonly rows: readonly Row[];
}

function batch(more: object = {}, size = 40): string {
  const tasks = Array.from({ length: size }, (_, n) => ({ id: `t${n}`, description: `Do ${n}` }));
  return JSON.stringify({ goal: 'Batch', tasks, ...more });
}

async function simulate(plan: string, ...args: string[]) {
  const ended = await stratagem(['simulate', '-', '--json', ...args], { stdin: plan });
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  const document: Document = JSON.parse(ended.stdout);
  const { rows } = document;
  return { ...document, spans: rows.map(({ makespanMs }) => Math.round(makespanMs)) };
}

describe('simulate', () => {
  test('computes how long a plan takes at each concurrency limit', async () => {
    const { rows, spans, strategy, server } = await simulate(batch(), '--max-parallel', '4,8,16');
    expect(rows.map(({ maxParallel }) => maxParallel)).toEqual([4, 8, 16]);
    expect(spans).toEqual([10_000, 5_000, 3_000]);
    expect([strategy, server]).toEqual(['parallel', 'fixed latency']);
  });

  test('compares five limits by default', async () => {
    const { rows } = await simulate(batch());
    expect(rows.map(({ maxParallel }) => maxParallel)).toEqual([1, 2, 4, 8, 16]);
  });

  test('prints a table and its assumptions', async () => {
    const args = ['simulate', '-', '--max-parallel', '4,8', '--requests-per-minute', '30'];
    const { exitCode, stdout } = await stratagem(args, { stdin: batch() });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Batch: 40 tasks, parallel, 30 requests a minute');
    expect(stdout).toMatch(/max parallel +duration +requests +rate-limited/);
    expect(stdout).toMatch(/^ +4 +\d+\.\d s +\d+ +\d+ +0 +4$/m);
    expect(stdout).toContain('tasks without an estimate take 1000 ms');
    expect(stdout).toContain('attempts are retried until they succeed');
  });

  test('takes longer under a rate limit, and counts rejected requests', async () => {
    const { rows } = await simulate(batch(), '--requests-per-minute', '30', '--max-parallel', '8');
    // Thirty requests start at once, and the last ten at intervals of two seconds.
    expect(rows[0]?.makespanMs).toBeGreaterThan(20_000);
    expect(rows[0]?.rateLimited).toBeGreaterThan(0);
  });

  test('counts the estimated tokens of the plan, or --tokens', async () => {
    const limited = ['--tokens-per-minute', '20000', '--max-parallel', '8'];
    const of = async (...args: string[]) => (await simulate(batch(), ...limited, ...args)).spans[0];
    expect(await of('--tokens', '100')).toBe(5_000);
    expect(await of('--tokens', '2000')).toBeGreaterThan(60_000);
    expect(await of()).toBeGreaterThan(20_000);
  });

  test('uses the estimated durations of tasks, and --latency for the others', async () => {
    const plan = JSON.stringify({
      goal: 'x',
      tasks: [
        { id: 'a', description: 'x', estimate: { durationMs: 200 } },
        { id: 'b', description: 'x', dependencies: ['a'] },
      ],
    });
    expect((await simulate(plan, '--latency', '70', '--max-parallel', '2')).spans).toEqual([270]);
  });

  test('uses the strategy of the file, unless --strategy overrides it', async () => {
    const file = batch({ strategy: 'sequential' });
    const fromFile = await simulate(file);
    expect([fromFile.strategy, fromFile.spans]).toEqual(['sequential', [40_000]]);
    const given = await simulate(file, '--strategy', 'parallel', '--max-parallel', '40');
    expect([given.strategy, given.spans]).toEqual(['parallel', [1_000]]);
  });

  test.each([
    ['knee', Math.round(10_000 * Math.SQRT2)],
    ['cpu-bound', 10_000],
  ])('--server %s gains nothing beyond its capacity', async (server, past) => {
    const args = ['--server', server, '--capacity', '4', '--max-parallel', '2,4,8'];
    expect((await simulate(batch(), ...args)).spans).toEqual([20_000, 10_000, past]);
  });

  test.each(['overload-503', 'overload-429', 'overload-silent'])(
    '--server %s rejects requests beyond twice its capacity',
    async (server) => {
      const args = ['--server', server, '--capacity', '4', '--timeout', '20s'];
      const { rows } = await simulate(batch(), ...args, '--max-parallel', '8,9');
      const wasted = rows.map(({ rateLimited, overloaded }) => rateLimited + overloaded);
      expect(wasted[0]).toBe(0);
      expect(wasted[1]).toBeGreaterThan(0);
      expect(rows[1]?.status).toBe('completed');
    },
  );

  test('--server lognormal varies latencies by the seed', async () => {
    const of = async (seed: string) =>
      (await simulate(batch(), '--server', 'lognormal', '--seed', seed)).spans;
    const first = await of('1');
    expect(await of('1')).toEqual(first);
    expect(await of('2')).not.toEqual(first);
  });

  test('--retries limits retries, and a plan that fails is reported with exit code 0', async () => {
    const limited = ['--requests-per-minute', '1', '--max-parallel', '8', '--retries', '0'];
    expect((await simulate(batch(), ...limited)).rows[0]?.status).toBe('failed');
    const { exitCode, stdout } = await stratagem(['simulate', '-', ...limited], { stdin: batch() });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/fails after \d+ tasks/);
    expect(stdout).toContain('With max parallel 8, the plan fails');
  });

  test('ends when an overloaded server never completes anything', async () => {
    const args = ['--server', 'knee', '--capacity', '1', '--timeout', '5s'];
    const { rows } = await simulate(batch({}, 200), ...args, '--max-parallel', '2,64');
    expect(rows.map(({ status }) => status)).toEqual(['completed', 'failed']);
  });

  test('uses the retries of the plan file', async () => {
    const file = batch({ retry: { maxAttempts: 1 } });
    const { rows } = await simulate(file, '--requests-per-minute', '1', '--max-parallel', '8');
    expect(rows[0]?.status).toBe('failed');
  });

  const uncertain = JSON.stringify({
    goal: 'Uncertain',
    tasks: [
      { id: 'list', description: 'x' },
      { id: 'ask', description: 'May we?', dependencies: ['list'], waitFor: 'approval' },
      {
        id: 'each',
        description: '{{item}}',
        dependencies: ['list', 'ask'],
        when: { path: 'list.kind', operator: '==', value: 'long' },
        forEach: 'list.documents',
      },
    ],
  });

  test('assumes what it cannot know, and lists its assumptions', async () => {
    const args = ['--items', '6', '--max-parallel', '3'];
    const { spans, assumptions } = await simulate(uncertain, ...args);
    expect(spans).toEqual([3_000]);
    expect(assumptions).toEqual([
      '1 condition counts as met',
      '1 list has 6 items',
      '1 human step is answered after its estimated duration, else at once',
      'tasks without an estimate take 1000 ms',
    ]);
  });

  test('assumes the iterations of loops', async () => {
    const loop = JSON.stringify({
      goal: 'Loop',
      tasks: [
        {
          id: 'draft',
          description: 'Better than {{previous}}',
          repeat: { until: { path: 'draft', operator: 'contains', value: 'done' } },
        },
      ],
    });
    const three = await simulate(loop, '--iterations', '3', '--max-parallel', '1');
    expect(three.spans).toEqual([3_000]);
    expect(three.assumptions).toContain('1 loop has 3 iterations');
    const most = await simulate(loop, '--max-parallel', '1');
    expect(most.spans).toEqual([5_000]);
    expect(most.assumptions).toContain('1 loop runs to its maxIterations');
  });

  const estimated = JSON.stringify({
    goal: 'x',
    tasks: [{ id: 'a', description: 'x', estimate: { durationMs: 5, tokens: 5 } }],
  });

  test.each([
    ['a list of unknown length', uncertain, [], ['--items']],
    ['--items without a list', batch(), ['--items', '3'], ['no effect', 'forEach']],
    ['--iterations without a loop', batch(), ['--iterations', '3'], ['no effect', 'repeat']],
    ['--latency when all is estimated', estimated, ['--latency', '5'], ['--latency has no effect']],
    ['--tokens without a limit', batch(), ['--tokens', '5'], ['--tokens-per-minute']],
    [
      '--tokens when all is estimated',
      estimated,
      ['--tokens', '5', '--tokens-per-minute', '9'],
      ['--tokens has no effect'],
    ],
    ['a capacity for a fixed latency', batch(), ['--capacity', '4'], ['--capacity has no effect']],
    ['a knee without a capacity', batch(), ['--server', 'knee'], ['needs --capacity']],
    [
      'a rate limit beside a knee',
      batch(),
      ['--server', 'knee', '--capacity', '4', '--requests-per-minute', '5'],
      ['--requests-per-minute has no effect with --server knee'],
    ],
    [
      'a silent server without a timeout',
      batch(),
      ['--server', 'overload-silent', '--capacity', '1', '--max-parallel', '8'],
      ['use --timeout'],
    ],
    [
      'a limit for the sequential strategy',
      batch(),
      ['--strategy', 'sequential', '--max-parallel', '4'],
      ['--max-parallel 4 has no effect with the sequential strategy'],
    ],
    ['a limit of zero', batch(), ['--max-parallel', '4,0'], ['an integer ≥ 1']],
    ['an unknown server', batch(), ['--server', 'fast'], ['fast', 'cpu-bound']],
    ['an unknown option', batch(), ['--runner', 'openai'], ["'--runner'"]],
    ['an invalid plan', '{"goal":"x","tasks":[]}', [], ['the plan has no tasks']],
  ])('%s is reported, with exit code 2', async (_, stdin, args, words) => {
    const { exitCode, stdout, stderr } = await stratagem(['simulate', '-', ...args], { stdin });
    for (const word of words) expect(stderr).toContain(word);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});

describe('inputs', () => {
  const plan = `goal: Pages
inputs: { pages: { type: array, items: { type: string }, default: [a, b] } }
tasks: [{ id: page, description: '{{item}}', forEach: inputs.pages }]
`;

  test('have the lists of fan-outs, by their defaults or by the command line', async () => {
    const byDefault = await simulate(plan, '--max-parallel', '1');
    expect(byDefault.rows[0]?.makespanMs).toBe(2_000);
    const given = await simulate(plan, '--max-parallel', '1', '--input', 'pages=[a, b, c, d, e]');
    expect(given.rows[0]?.makespanMs).toBe(5_000);
    expect(given.assumptions).toEqual(['tasks without an estimate take 1000 ms']);
  });

  test.each([
    [['--input', 'pages=5'], 'pages: '],
    [['--input', 'page=[a]'], 'Did you mean "pages"?'],
    [['--items', '3'], '--items has no effect: the inputs have all lists; remove it'],
  ])('are checked: %j', async (args, message) => {
    const { exitCode, stderr } = await stratagem(['simulate', '-', ...args], { stdin: plan });
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});

describe('--from', () => {
  async function recorded() {
    const place = await folder({ 'plan.json': batch({}, 12) });
    const journal = `${place.path}/runs`;
    const args = ['--max-parallel', '4', '--latency', '20', '--journal', journal];
    const run = await inVirtualTime(() => stratagem(['run', `${place.path}/plan.json`, ...args]));
    const [, id = ''] = /Recording run (\S+)/.exec(run.stderr) ?? [];
    return { id, journal, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
  }

  test('forecasts a plan from a recorded run, with a range', async () => {
    await using place = await recorded();
    const from = ['--from', place.id.slice(0, 8), '--journal', place.journal];
    const { rows, server } = await simulate(
      batch(),
      ...from,
      '--max-parallel',
      '2,4',
      '--runs',
      '20',
    );
    expect(server).toBe('as recorded in a run of 12 attempts');
    const [two, four] = rows.map(({ makespanRangeMs }) => makespanRangeMs);
    // Forty tasks of 20 ms each, two at once.
    expect(two?.low).toBeGreaterThanOrEqual(400);
    expect(two?.low).toBeLessThanOrEqual(two?.high as number);
    expect(four?.low).toBeLessThan(two?.low as number);
    const { stdout } = await stratagem(['simulate', '-', ...from], { stdin: batch() });
    expect(stdout).toMatch(/^ +4 +\S+ m?s \(\S+ m?s – \S+ m?s\) /m);
    expect(stdout).toContain('four out of five runs are within each range');
    expect(stdout).toContain(
      'the cost is unknown: not all attempts of the recorded run have a price',
    );
  });

  test.each([
    [['--journal', 'x'], '--journal has no effect without --from'],
    [['--from', 'x', '--latency', '5'], '--latency has no effect with --from'],
    [['--from', 'x'], 'which journal?'],
  ])('rejects %j', async (args, message) => {
    const { exitCode, stderr } = await stratagem(['simulate', '-', ...args], { stdin: batch() });
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});
