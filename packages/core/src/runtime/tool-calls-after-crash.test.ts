import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { crashed, logOf } from '../../test/journals.js';
import { eventsOf, inOrder, planOf } from '../../test/runs.js';
import {
  createExecutor,
  type EventData,
  memoryJournal,
  RunnerError,
  type TaskRequest,
  type TaskRunner,
  type ToolContext,
  tool,
} from '../index.js';
import { type AttemptCarrier, decodeReport, encodeReport, workerCarrier } from '../kernel.js';

/** Turns of a model: the paths of one turn are written at the same time. */
type Turns = readonly (readonly string[])[];

/** A model that calls the tool in turns, and answers with all results. */
function modelOf(turns: Turns): TaskRunner {
  return {
    name: 'model',
    supportsTools: true,
    async run({ tools = [] }: TaskRequest) {
      const texts: unknown[] = [];
      for (const [turn, paths] of turns.entries()) {
        const calls = paths.map((path, n) => tools[0]?.call({ path }, `call_${turn}_${n}`));
        texts.push(...(await Promise.all(calls)).map((result) => result?.text));
      }
      return { output: texts };
    },
  };
}

/** A tool with a side effect. It never returns for the path `hang`, and fails for `fail`. */
function writing(needsApproval: (path: string) => boolean = () => false) {
  const written: string[] = [];
  const write = tool({
    name: 'write',
    description: 'Writes a file.',
    inputSchema: z.object({ path: z.string() }),
    needsApproval: ({ path }) => needsApproval(path),
    execute({ path }, { signal }: ToolContext) {
      written.push(path);
      if (path === 'fail') throw new Error('the disk is full');
      if (path !== 'hang') return { path, at: new Date(0) };
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
  });
  return { write, written, plan: planOf({ id: 'a', description: 'Go.', tools: [write] }) };
}

type Writing = ReturnType<typeof writing>;

/** The log of a run up to the first event that `isLast` accepts, as a crash leaves it. */
async function logUntil(
  isLast: (event: EventData) => boolean,
  turns: Turns,
  { plan }: Writing,
  before?: readonly EventData[],
): Promise<EventData[]> {
  const journal = before === undefined ? memoryJournal() : await crashed([...before]);
  let found = () => {};
  const reached = new Promise<void>((resolve) => {
    found = resolve;
  });
  const from = before?.length ?? 0;
  const executor = createExecutor({
    ...{ strategy: inOrder, journal, runner: modelOf(turns) },
    onEvent: async () => {
      const log = await logOf(journal, 'one');
      if (log.slice(from).some(isLast)) found();
    },
  });
  const run =
    before === undefined
      ? executor.execute(plan, { runId: 'one' })
      : executor.resume('one', { plan });
  await reached;
  await run.interrupt();
  const log = await logOf(journal, 'one');
  return log.slice(0, log.findIndex((event, at) => at >= from && isLast(event)) + 1);
}

const isCall = (path: string) => (event: EventData) =>
  event.kind === 'tool_call' && JSON.stringify(event.input).includes(`"${path}"`);
const isQuestion = ({ type }: EventData) => type === 'tool_approval_requested';

async function resume(log: readonly EventData[], turns: Turns, { plan }: Writing) {
  const executor = createExecutor({
    ...{ strategy: inOrder, journal: await crashed([...log]), runner: modelOf(turns) },
  });
  return executor.resume('one', { plan });
}

describe('after a crash', () => {
  test('a call whose result is recorded is not made again, and the model gets that result', async () => {
    const first = writing();
    const log = await logUntil(isCall('hang'), [['x', 'fail'], ['x'], ['hang']], first);
    expect(first.written).toEqual(['x', 'fail', 'x', 'hang']);
    const later = writing();
    const result = await resume(log, [['x', 'fail'], ['x'], ['z']], later);
    expect(later.written).toEqual(['z']);
    const text = (path: string) => JSON.stringify({ path, at: new Date(0) });
    const failed = 'Error: the disk is full';
    expect(result.outputs.a).toEqual([text('x'), failed, text('x'), text('z')]);
    const results = eventsOf(result, 'task_output').filter(({ kind }) => kind === 'tool_result');
    expect(results.slice(-4)).toMatchObject([
      { recorded: true, durationMs: 0, ok: true, output: { path: 'x', at: new Date(0) } },
      { recorded: true, ok: false, message: 'the disk is full' },
      { recorded: true, ok: true },
      { ok: true, output: { path: 'z', at: new Date(0) } },
    ]);
    expect(results.at(-1)).not.toHaveProperty('recorded');
  });

  test('the same call is made as often as the model makes it more often than before', async () => {
    const log = await logUntil(isCall('hang'), [['x'], ['hang']], writing());
    const later = writing();
    await resume(log, [['x'], ['x'], ['x']], later);
    expect(later.written).toEqual(['x', 'x']);
  });

  test('and after another one, too', async () => {
    const log = await logUntil(isCall('hang'), [['x'], ['hang']], writing());
    const second = writing();
    const longer = await logUntil(isCall('hang'), [['x'], ['y'], ['hang']], second, log);
    expect(second.written).toEqual(['y', 'hang']);
    const third = writing();
    await resume(longer, [['x'], ['y'], ['z']], third);
    expect(third.written).toEqual(['z']);
  });

  test('a worker elsewhere makes no such call again either', async () => {
    const log = await logUntil(isCall('hang'), [['x', 'fail'], ['hang']], writing());
    const { write, written, plan } = writing();
    const runner = modelOf([['x', 'fail'], ['y']]);
    const worker = workerCarrier({ runner, tools: [write] });
    const overWire = (data: unknown) => JSON.parse(JSON.stringify(data));
    const carrier: AttemptCarrier = {
      ...worker,
      name: 'wire',
      start: (call, tell) =>
        worker.start(overWire(call), (report) =>
          tell(decodeReport(overWire(encodeReport(report)))),
        ),
    };
    const executor = createExecutor({
      ...{ strategy: inOrder, journal: await crashed(log), runner, carrier },
    });
    const { outputs } = await executor.resume('one', { plan });
    expect(written).toEqual(['y']);
    expect(outputs.a).toHaveLength(3);
  });

  test('a later attempt makes its calls itself', async () => {
    const { written, plan } = writing();
    let tries = 0;
    const inner = modelOf([['x']]);
    const runner: TaskRunner = {
      ...inner,
      async run(request, context) {
        const answer = await inner.run(request, context);
        if (++tries === 1) throw new RunnerError('overloaded', 'busy');
        return answer;
      },
    };
    const executor = createExecutor({
      ...{ strategy: inOrder, runner, journal: memoryJournal() },
      retry: { maxAttempts: 2, initialDelayMs: 0 },
    });
    await executor.execute(plan).orThrow();
    expect(written).toEqual(['x', 'x']);
  });

  test('a redacted run, whose journal has no results, makes its calls again', async () => {
    const { plan, written } = writing();
    const journal = memoryJournal();
    const redact = () => '[hidden]';
    const run = createExecutor({
      ...{ strategy: inOrder, journal, redact, runner: modelOf([['x'], ['hang']]) },
    }).execute(plan, { runId: 'one' });
    while (!written.includes('hang')) await new Promise((resolve) => setImmediate(resolve));
    await run.interrupt();
    const later = writing();
    const { outputs } = await createExecutor({
      ...{ strategy: inOrder, journal, redact, runner: modelOf([['x']]) },
    }).resume('one', { plan: later.plan });
    expect(outputs.a).toHaveLength(1);
    expect(later.written).toEqual(['x']);
  });
});

describe('a question about a call from before a crash', () => {
  const asksFor = (...paths: string[]) => writing((path) => paths.includes(path));

  test('is withdrawn once the model makes other calls', async () => {
    const log = await logUntil(isQuestion, [['x'], ['old']], asksFor('old'));
    const later = asksFor('old');
    const result = await resume(log, [['x'], ['y']], later);
    expect(later.written).toEqual(['y']);
    expect(eventsOf(result, 'tool_approval_decided')).toMatchObject([
      { callId: 'call_1_0', tool: 'write', approved: false, withdrawn: true },
    ]);
    const types = result.timeline.map(({ type }) => type);
    expect(types.indexOf('tool_approval_decided')).toBeLessThan(types.lastIndexOf('task_output'));
  });

  test('is asked again when the model makes that call after others', async () => {
    const log = await logUntil(isQuestion, [['old']], asksFor('old'));
    const later = asksFor('old');
    const executor = createExecutor({
      ...{ strategy: inOrder, journal: await crashed(log), runner: modelOf([['y'], ['old']]) },
      onEvent({ type }) {
        if (type === 'tool_approval_requested') void run.approve('a');
      },
    });
    const run = executor.resume('one', { plan: later.plan });
    const result = await run;
    expect(later.written).toEqual(['y', 'old']);
    expect(eventsOf(result, 'tool_approval_requested')).toHaveLength(2);
  });

  test('stays open while the model repeats its calls, also beside a new one', async () => {
    const log = await logUntil(isQuestion, [['x'], ['other', 'old']], asksFor('old'));
    const later = asksFor('old');
    const executor = createExecutor({
      ...{ strategy: inOrder, journal: await crashed(log) },
      runner: modelOf([['x'], ['other', 'old', 'new']]),
      onEvent(event) {
        if (event.type === 'task_output' && event.kind === 'tool_call') {
          if (JSON.stringify(event.input).includes('new')) void run.approve('a', 'call_1_1');
        }
      },
    });
    const run = executor.resume('one', { plan: later.plan });
    const result = await run;
    expect(later.written.toSorted()).toEqual(['new', 'old', 'other']);
    expect(eventsOf(result, 'tool_approval_requested')).toHaveLength(1);
    expect(eventsOf(result, 'tool_approval_decided')).toMatchObject([{ approved: true }]);
  });
});
