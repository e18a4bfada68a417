import type {
  AttemptCall,
  AttemptCarrier,
  AttemptReport,
  FunctionWork,
  RequestWork,
} from '../contract/carrier.js';
import { RunnerError } from '../contract/errors.js';
import type { Plan } from '../contract/plan.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskRunner } from '../contract/runner.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import { createExecutor } from '../runtime/executor.js';
import { workerCarrier } from '../runtime/worker-carrier.js';
import { encodeValue } from '../serialize/wire.js';
import { assert, type ConformanceCase } from './case.js';

export interface CarrierConformanceOptions {
  /**
   * How long one case may take, in milliseconds.
   * @default 10_000
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * The cases every carrier must pass, for any test runner.
 *
 * @param create Makes a fresh carrier whose workers hand each call to `worker.start`, and each report
 * back; everything that goes over a wire between the two must pass through JSON.
 *
 * @example
 * for (const { name, run } of carrierConformance((worker) => queueCarrier(worker))) test(name, run);
 */
export function carrierConformance(
  create: (worker: AttemptCarrier) => AttemptCarrier | Promise<AttemptCarrier>,
  options: CarrierConformanceOptions = {},
): ConformanceCase[] {
  const { timeoutMs = 10_000 } = options;
  const bench = () => new Bench(create, timeoutMs);
  return [
    {
      name: 'says its name',
      run: () => bench().use(async (carrier) => assert(carrier.name !== '', 'it has no name')),
    },
    {
      name: 'reports the parts of an attempt in order, and then its end',
      run: () =>
        bench().use(async (_, { start }) => {
          const { reports, ended } = start('speaks');
          await ended;
          const parts = reports.filter(({ type }) => type !== 'begun');
          const texts = parts.map((report) =>
            report.type === 'output' && report.part.kind === 'text'
              ? report.part.text
              : report.type,
          );
          assert(texts.join(' ') === 'one two completed', `it reported ${texts.join(' ')}`);
        }),
    },
    {
      name: 'reports that an attempt has begun, if it begins later than it is started',
      run: () =>
        bench().use(async (carrier, { start }) => {
          const { reports, ended } = start('speaks');
          await ended;
          const begun = reports.findIndex(({ type }) => type === 'begun');
          assert(!carrier.beginsLater || begun === 0, '"begun" is not its first report');
        }),
    },
    {
      name: 'carries values that JSON has no word for, both ways',
      run: () =>
        bench().use(async (_, { start }) => {
          const value = new Map<string, unknown>([
            ['at', new Date(0)],
            ['none', undefined],
          ]);
          const { ended } = start('returns its inputs', { value });
          const end = await ended;
          assert(end.type === 'completed', 'it did not complete');
          const { output } = end.result as { output: { value: Map<string, unknown> } };
          const at = output.value instanceof Map ? output.value.get('at') : undefined;
          assert(at instanceof Date && at.getTime() === 0, 'a Map of a Date did not come back');
        }),
    },
    {
      name: 'carries the code and the details of an error',
      run: () =>
        bench().use(async (_, { start }) => {
          const end = await start('is rate limited').ended;
          assert(end.type === 'failed', 'it did not fail');
          const { code, retryAfterMs, message } = end.error as RunnerError;
          assert(code === 'rate_limited' && retryAfterMs === 70, `it said ${code}: ${message}`);
        }),
    },
    {
      name: 'carries tasks that an attempt adds',
      run: () =>
        bench().use(async (_, { start }) => {
          const { reports, ended } = start('adds a task');
          await ended;
          const added = reports.find((report) => report.type === 'add_tasks');
          assert(added?.tasks[0]?.id === 'added', 'the task did not come');
        }),
    },
    {
      name: 'carries a request to the runner, and its usage back',
      run: () =>
        bench().use(async (_, { request }) => {
          const end = await request('Say hello.').ended;
          assert(end.type === 'completed', 'it did not complete');
          const { output, usage } = end.result;
          assert(output === 'SAY HELLO.' && usage?.inputTokens === 3, 'the answer is another one');
        }),
    },
    {
      name: 'stops an attempt that is canceled, and reports nothing more of it',
      run: () =>
        bench().use(async (carrier, { start, whenAborted }) => {
          const { reports, call } = start('waits');
          await whenAborted.begun;
          carrier.cancel(call.key, new Error('not wanted'));
          await whenAborted.aborted;
          await null;
          const isQuiet = reports.every(({ type }) => type === 'begun');
          assert(isQuiet, 'it reported something after it was canceled');
        }),
    },
    {
      name: 'ignores keys that it does not know',
      run: () =>
        bench().use(async (carrier, { start }) => {
          carrier.cancel('unknown', new Error('no'));
          carrier.detach('unknown');
          carrier.forget?.('unknown');
          const end = await start('speaks').ended;
          assert(end.type === 'completed', 'it did not complete');
        }),
    },
    {
      name: 'attaches to an attempt that it works on, and does not start it twice',
      run: () =>
        bench().use(async (_, { start, again, whenAborted, starts }) => {
          const { call } = start('waits until told');
          await whenAborted.begun;
          const second = again(call);
          whenAborted.finish();
          const end = await second.ended;
          assert(end.type === 'completed', 'the second start did not hear of the end');
          assert(starts() === 1, `the attempt was started ${starts()} times`);
        }),
    },
    {
      name: 'knows which attempts it works on',
      run: () =>
        bench().use(async (carrier, { start, whenAborted }) => {
          if (carrier.alive === undefined) return;
          const { call } = start('waits until told');
          await whenAborted.begun;
          const alive = await carrier.alive([call.key, 'unknown']);
          assert(alive.has(call.key) && alive.size === 1, 'it does not know what it works on');
          whenAborted.finish();
        }),
    },
    {
      name: 'reports nothing of an attempt that it is detached from',
      run: () =>
        bench().use(async (carrier, { start, whenAborted }) => {
          const { reports, call } = start('waits until told');
          await whenAborted.begun;
          carrier.detach(call.key);
          const before = reports.length;
          whenAborted.finish();
          await start('speaks').ended;
          assert(reports.length === before, 'it still reports');
        }),
    },
    {
      name: 'runs a whole plan as this process does',
      run: () => bench().use((carrier, { compareRuns }) => compareRuns(carrier)),
    },
  ];
}

/** Tasks of one plan, whose ids say what they do. */
class Bench {
  readonly #create: (worker: AttemptCarrier) => AttemptCarrier | Promise<AttemptCarrier>;
  readonly #timeoutMs: number;
  #carrier!: AttemptCarrier;
  #calls = 0;
  #starts = 0;
  readonly #begun = deferred();
  readonly #aborted = deferred();
  readonly #told = deferred();

  constructor(
    create: (worker: AttemptCarrier) => AttemptCarrier | Promise<AttemptCarrier>,
    timeoutMs: number,
  ) {
    this.#create = create;
    this.#timeoutMs = timeoutMs;
  }

  async use(test: (carrier: AttemptCarrier, tools: BenchTools) => Promise<void>): Promise<void> {
    const plan: Plan = { goal: 'carrier conformance', tasks: this.#tasks() };
    const worker = workerCarrier({ runner: shout, plans: [plan] });
    this.#carrier = await this.#create(worker);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`nothing came within ${this.#timeoutMs} ms`);
      timer = setTimeout(() => reject(error), this.#timeoutMs);
    });
    try {
      await Promise.race([test(this.#carrier, this.#toolsFor(plan)), late]);
    } finally {
      clearTimeout(timer);
      await this.#carrier.close();
    }
  }

  #toolsFor(plan: Plan): BenchTools {
    return {
      start: (taskId, inputs = {}) =>
        this.#start(taskId, { kind: 'function', plan: plan.goal, inputs: encodeValue(inputs) }),
      request: (prompt) => this.#start('asks', requestWork(prompt)),
      again: (call) => this.#follow(call),
      starts: () => this.#starts,
      whenAborted: {
        begun: this.#begun.promise,
        aborted: this.#aborted.promise,
        finish: this.#told.resolve,
      },
      compareRuns: (carrier) => compareRuns(carrier, plan),
    };
  }

  #start(taskId: string, work: FunctionWork | RequestWork): Started {
    const call: AttemptCall = {
      key: `conformance/${taskId}/${++this.#calls}`,
      runId: 'conformance',
      taskId,
      attempt: 1,
      attemptsLeft: 1,
      resource: 'test',
      priority: 0,
      criticalPath: 1,
      work,
    };
    return this.#follow(call);
  }

  #follow(call: AttemptCall): Started {
    const reports: AttemptReport[] = [];
    const ended = new Promise<End>((resolve) => {
      this.#carrier.start(call, (report) => {
        reports.push(report);
        if (report.type === 'completed' || report.type === 'failed') resolve(report);
        return undefined;
      });
    });
    return { call, reports, ended };
  }

  #tasks(): Task[] {
    const wait =
      (isToldToEnd: boolean) =>
      (_: unknown, { signal }: RunContext) => {
        this.#starts++;
        this.#begun.resolve();
        return new Promise<string>((resolve, reject) => {
          if (isToldToEnd) this.#told.promise.then(() => resolve('told'));
          signal.addEventListener('abort', () => {
            this.#aborted.resolve();
            reject(signal.reason);
          });
        });
      };
    return [
      {
        id: 'speaks',
        async run(_: unknown, { emit }: RunContext) {
          await emit('one');
          await emit('two');
          return 'spoken';
        },
      },
      { id: 'returns its inputs', run: (inputs: object) => ({ ...inputs }) },
      {
        id: 'is rate limited',
        run() {
          throw new RunnerError('rate_limited', 'too many requests', { retryAfterMs: 70 });
        },
      },
      {
        id: 'adds a task',
        run: (_: unknown, { addTasks }: RunContext) =>
          addTasks([{ id: 'added', description: 'x' }]),
      },
      { id: 'waits', run: wait(false) },
      { id: 'waits until told', run: wait(true) },
    ];
  }
}

type End = Extract<AttemptReport, { type: 'completed' | 'failed' }>;

interface Started {
  readonly call: AttemptCall;
  readonly reports: AttemptReport[];
  readonly ended: Promise<End>;
}

interface BenchTools {
  readonly start: (taskId: string, inputs?: object) => Started;
  readonly request: (prompt: string) => Started;
  readonly again: (call: AttemptCall) => Started;
  readonly starts: () => number;
  readonly whenAborted: {
    readonly begun: Promise<void>;
    readonly aborted: Promise<void>;
    readonly finish: () => void;
  };
  readonly compareRuns: (carrier: AttemptCarrier) => Promise<void>;
}

/** Answers in capitals. */
const shout: TaskRunner = {
  name: 'shout',
  async run({ prompt }) {
    return { output: prompt.toUpperCase(), usage: { inputTokens: 3, outputTokens: 3 } };
  },
};

const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

async function compareRuns(carrier: AttemptCarrier, { goal, tasks }: Plan): Promise<void> {
  const speaks = tasks.find(({ id }) => id === 'speaks') as Task;
  const echo = tasks.find(({ id }) => id === 'returns its inputs') as Task;
  const plan: Plan = {
    goal,
    tasks: [
      speaks,
      { id: 'asks', description: 'Repeat: {{speaks}}', dependencies: ['speaks'] },
      { ...echo, dependencies: ['speaks', 'asks'] },
    ],
  };
  const executor = createExecutor({ strategy: inOrder, runner: shout });
  const here = await executor.execute(plan);
  const there = await executor.execute(plan, { carrier });
  const [expected, actual] = [here, there].map((result) =>
    JSON.stringify([result.status, result.outputs, result.metrics.usage]),
  );
  assert(expected === actual, `it ended as ${actual}; in this process it ends as ${expected}`);
}

function requestWork(prompt: string): RequestWork {
  const request = {
    taskId: 'asks',
    type: 'action',
    prompt,
    plainPrompt: prompt,
    description: prompt,
    inputs: {},
    metadata: {},
  };
  return { kind: 'request', request, tools: [] };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
