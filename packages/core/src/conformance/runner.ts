import type { TaskOptions } from '../contract/call-options.js';
import { ATTEMPT_ERROR_CODES, describe, isStratagemError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import { type OutputPart, partOf } from '../contract/output-part.js';
import type { Plan } from '../contract/plan.js';
import type { RunContext } from '../contract/run-context.js';
import {
  resourceOf,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '../contract/runner.js';
import { readAnswer } from '../contract/runner-output.js';
import type { StandardSchema } from '../contract/schema.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { Tool } from '../contract/tool.js';
import { createExecutor } from '../runtime/executor.js';
import type { PlanResult } from '../state/result.js';
import { assert, type ConformanceCase } from './case.js';

export interface RunnerConformanceOptions {
  /**
   * Creates a runner whose backend fails every request, to test its errors.
   * @default failures are not tested
   */
  readonly failing?: (() => TaskRunner | Promise<TaskRunner>) | undefined;
  /**
   * Creates a runner whose backend never answers, to test aborts.
   * @default aborts are only tested before and right after the start
   */
  readonly hanging?: (() => TaskRunner | Promise<TaskRunner>) | undefined;
  /**
   * Creates a runner whose backend ends its answers for a reason that it does not document, such as a
   * `finish_reason` of `"halted"`. Such an answer is not complete.
   * @default the ends of answers are not tested
   */
  readonly unfinished?: (() => TaskRunner | Promise<TaskRunner>) | undefined;
  /**
   * Creates a runner whose backend calls the first tool in two answers, with the same id, and then
   * answers with text.
   * @default repeated ids are not tested
   */
  readonly repeatingCallIds?: (() => TaskRunner | Promise<TaskRunner>) | undefined;
  /**
   * Creates a runner whose backend adds fields and parts to its answers that it does not document.
   * @default such answers are not tested
   */
  readonly withExtraFields?: (() => TaskRunner | Promise<TaskRunner>) | undefined;
  /**
   * Whether the backend answers with `{"title": "…"}` when a request has that schema.
   * @default true
   */
  readonly answersSchemas?: boolean | undefined;
  /**
   * A secret that the runner was given, which must never appear in its outputs or errors.
   * @default no secret is searched for
   */
  readonly secret?: string | undefined;
  /**
   * The maximum duration of one case, in milliseconds.
   * @default 10_000
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * The cases that every runner must pass, for any test runner, whether it is a provider or a wrapper.
 * They make a few dozen small requests: use a test backend, not a real one.
 *
 * @param create Creates a new runner whose backend answers every prompt.
 *
 * @example
 * for (const { name, run } of runnerConformance(() => shout)) test(name, run);
 */
export function runnerConformance(
  create: () => TaskRunner | Promise<TaskRunner>,
  options: RunnerConformanceOptions = {},
): ConformanceCase[] {
  const { failing, hanging, answersSchemas = true, secret, timeoutMs = 10_000 } = options;
  const { unfinished, repeatingCallIds, withExtraFields } = options;
  const cases: ConformanceCase[] = [
    {
      name: 'describes itself in plain data',
      async run() {
        const runner = await create();
        assert(typeof runner.name === 'string' && runner.name !== '', 'it has no name');
        const resource = resourceOf(runner, { id: 'a', description: 'x' });
        assert(
          typeof resource === 'string' && resource !== '',
          'its resource is not a non-empty string',
        );
        const { settings = {} } = runner;
        const copy = JSON.parse(JSON.stringify(settings));
        assert(isSame(copy, settings), 'its settings are not plain JSON data');
        keepsSecret(secret, JSON.stringify([runner.name, resource, settings]));
      },
    },
    {
      name: 'answers a task without changing its arguments',
      async run() {
        const runner = await create();
        const attempt = new RecordingContext();
        const answer = await runner.run(requestFor('a', 'Say hello.'), attempt);
        checkAnswer(runner, answer, attempt);
        keepsSecret(secret, JSON.stringify([answer, attempt.parts]));
      },
    },
    {
      name: 'declares with readsInputs that it reads the values of inputs',
      async run() {
        const runner = await create();
        let reads = 0;
        const inputs = {
          get before(): string {
            reads++;
            return 'hello';
          },
        };
        const request = { ...requestFor('a', 'Say hello.'), inputs };
        await runner.run(Object.freeze(request), new RecordingContext());
        assert(
          reads === 0 || runner.readsInputs === true,
          'it read inputs and does not declare it',
        );
      },
    },
    {
      name: 'emits parts with the fields of their kind alone',
      async run() {
        const runner = await create();
        const attempt = new RecordingContext();
        await runner.run(requestFor('a', 'Say hello.'), attempt);
        const { foreignFields } = attempt;
        const names = [...foreignFields].join(', ');
        assert(foreignFields.size === 0, `it emitted parts with other fields: ${names}`);
      },
    },
    {
      name: 'emits nothing after its answer and removes its listeners from the signal',
      async run() {
        const runner = await create();
        const attempt = new RecordingContext();
        await runner.run(requestFor('a', 'Say hello.'), attempt);
        attempt.isOver = true;
        await waitForTurns(20);
        assert(!attempt.wasLate, 'it emitted output after its answer');
        assert(attempt.listeners === 0, `it left ${attempt.listeners} listeners on the signal`);
      },
    },
    {
      name: 'answers several tasks concurrently',
      async run() {
        const runner = await create();
        const ids = Array.from({ length: 8 }, (_, position) => `task-${position}`);
        await Promise.all(
          ids.map(async (id) => {
            const attempt = new RecordingContext(id);
            checkAnswer(
              runner,
              await runner.run(requestFor(id, `Say hello to ${id}.`), attempt),
              attempt,
            );
          }),
        );
      },
    },
    {
      name: 'makes no request for an attempt that was aborted before its start',
      async run() {
        const runner = await create();
        const attempt = new RecordingContext();
        attempt.stop();
        const failure = await failureOf(runner.run(requestFor('a', 'Say hello.'), attempt));
        assert(failure !== undefined, 'it answered despite the abort');
        assert(attempt.text === '', 'it emitted text despite the abort');
      },
    },
    {
      name: 'settles when it is aborted right after its start',
      async run() {
        const runner = await create();
        const attempt = new RecordingContext();
        const answer = runner.run(requestFor('a', 'Say hello.'), attempt);
        attempt.stop();
        await failureOf(answer);
        assert(attempt.listeners === 0, `it left ${attempt.listeners} listeners on the signal`);
      },
    },
    {
      name: 'runs every task of a plan once',
      async run() {
        const tasks = Array.from({ length: 12 }, (_, position) => ({
          id: `task-${position}`,
          description: `Task ${position}`,
          dependencies: position < 4 ? [] : [`task-${position - 4}`],
        }));
        const result = await play(await create(), { goal: 'conformance', tasks });
        assert(result.status === 'completed', `${result.status}: ${result.error?.message}`);
        const completed = result.timeline.filter(({ type }) => type === 'task_completed');
        assert(completed.length === 12, `${completed.length} of 12 tasks were completed`);
        keepsSecret(secret, JSON.stringify(result));
      },
    },
  ];
  if (answersSchemas) {
    cases.push({
      name: 'answers in the schema of a task',
      async run() {
        const task = { id: 'a', description: 'Name a café.', outputSchema: titleSchema };
        const result = await play(await create(), { goal: 'conformance', tasks: [task] });
        assert(result.status === 'completed', `${result.status}: ${result.error?.message}`);
        const { title } = result.outputs.a as { title: unknown };
        assert(typeof title === 'string', 'the output does not match the schema');
      },
    });
  }
  cases.push({
    name: 'supports tools or declares that it does not',
    async run() {
      const runner = await create();
      const task = { id: 'a', description: 'What is the weather in Lisbon?', tools: [weather] };
      const plan = { goal: 'conformance', tasks: [task] };
      if (runner.supportsTools !== true) {
        const refusal = await failureOf(Promise.resolve().then(() => play(runner, plan)));
        assert(isStratagemError(refusal), 'a plan with tools was not refused');
        return;
      }
      const result = await play(runner, plan);
      assert(result.status === 'completed', `${result.status}: ${result.error?.message}`);
      checkToolCalls(result.timeline);
    },
  });
  cases.push({
    name: 'honours the options of tasks that it supports, or says why not',
    async run() {
      for (const [option, value] of Object.entries(SAMPLE_OPTIONS)) {
        const runner = await create();
        if (!runner.supportedOptions?.includes(option)) continue;
        const task = { id: 'a', description: 'Say hello.', [option]: value };
        const { status, tasks } = await play(runner, { goal: 'conformance', tasks: [task] });
        const error = tasks[0]?.error;
        const isRefused = error?.code === 'invalid_request';
        assert(status === 'completed' || isRefused, `${option}: ${status}: ${error?.message}`);
      }
    },
  });
  if (unfinished !== undefined) {
    cases.push({
      name: 'fails when its backend ends an answer for an unknown reason',
      async run() {
        const runner = await unfinished();
        const answer = runner.run(requestFor('a', 'Say hello.'), new RecordingContext());
        const failure = await failureOf(answer);
        assert(isStratagemError(failure), 'it took an unfinished answer for a complete one');
        const { code } = failure;
        assert(
          ATTEMPT_ERROR_CODES.some((each) => each === code),
          `"${code}" is not an error code of attempts`,
        );
      },
    });
  }
  if (repeatingCallIds !== undefined) {
    cases.push({
      name: 'gives each tool call an id of its own and makes it once',
      async run() {
        const runner = await repeatingCallIds();
        let executed = 0;
        const counted: Tool = { ...weather, execute: () => `sunny, ${++executed}` };
        const task = { id: 'a', description: 'What is the weather in Lisbon?', tools: [counted] };
        const result = await play(runner, { goal: 'conformance', tasks: [task] });
        assert(result.status === 'completed', `${result.status}: ${result.error?.message}`);
        assert(executed === 2, `two calls were executed ${executed} times`);
        checkToolCalls(result.timeline);
      },
    });
  }
  if (withExtraFields !== undefined) {
    cases.push({
      name: 'answers although its backend adds fields and parts',
      async run() {
        const runner = await withExtraFields();
        const attempt = new RecordingContext();
        checkAnswer(runner, await runner.run(requestFor('a', 'Say hello.'), attempt), attempt);
      },
    });
  }
  if (hanging !== undefined) {
    cases.push({
      name: 'stops waiting for its backend when it is aborted',
      async run() {
        const runner = await hanging();
        const attempt = new RecordingContext();
        const answer = failureOf(runner.run(requestFor('a', 'Say hello.'), attempt));
        await waitForTurns(20);
        attempt.stop();
        const failure = await answer;
        assert(isStratagemError(failure), 'it did not reject with a RunnerError');
        assert(failure.code === 'aborted', `it rejected with ${failure.code} instead of aborted`);
        assert(attempt.listeners === 0, `it left ${attempt.listeners} listeners on the signal`);
      },
    });
  }
  if (failing !== undefined) {
    cases.push({
      name: 'fails with an error code of attempts',
      async run() {
        const runner = await failing();
        const attempt = new RecordingContext();
        const failure = await failureOf(runner.run(requestFor('a', 'Say hello.'), attempt));
        assert(isStratagemError(failure), 'it did not reject with a RunnerError');
        const { code, message } = failure;
        assert(
          ATTEMPT_ERROR_CODES.some((each) => each === code),
          `"${code}" is not an error code of attempts`,
        );
        assert(message !== '', 'the error has no message');
        keepsSecret(secret, `${message} ${JSON.stringify(failure)} ${String(failure.cause)}`);
      },
    });
    cases.push({
      name: 'keeps the headers of a task out of its errors',
      async run() {
        const runner = await failing();
        if (!runner.supportedOptions?.includes('headers')) return;
        const secret = 'header-secret-0123456789';
        const options = { headers: { 'x-secret': secret } };
        const request = { ...requestFor('a', 'Say hello.'), options };
        const failure = await failureOf(runner.run(request, new RecordingContext()));
        const cause = isStratagemError(failure) ? describe(failure.cause) : '';
        keepsSecret(secret, `${describe(failure)} ${JSON.stringify(failure)} ${cause}`);
      },
    });
  }
  return cases.map(({ name, run }) => ({ name, run: () => within(timeoutMs, run) }));
}

/** A value of each option that a request without tools may have. */
const SAMPLE_OPTIONS: Omit<Required<TaskOptions>, 'toolChoice' | 'providerOptions'> = {
  model: 'another-model',
  instructions: 'Be brief.',
  temperature: 0.5,
  topP: 0.9,
  seed: 7,
  stopSequences: ['END'],
  maxOutputTokens: 1_000,
  headers: { 'x-conformance': 'yes' },
  reasoning: 'low',
  stream: false,
  serviceTier: 'auto',
  store: false,
  promptCacheKey: 'conformance',
  promptCacheTtl: '1h',
};

/** The context of an attempt, which records what the runner does with it. Its fields are getters. */
class RecordingContext implements RunContext {
  readonly parts: OutputPart[] = [];
  /** Fields of emitted parts that no part of their kind has. */
  readonly foreignFields = new Set<string>();
  isOver = false;
  wasLate = false;
  listeners = 0;
  readonly #taskId: string;
  readonly #controller = new AbortController();

  constructor(taskId = 'a') {
    this.#taskId = taskId;
    const { signal } = this.#controller;
    const { addEventListener, removeEventListener } = signal;
    const listening = new Set<unknown>();
    const count = () => {
      this.listeners = signal.aborted ? 0 : listening.size;
    };
    signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
      listening.add(given[1]);
      count();
      addEventListener.apply(signal, given);
    };
    signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
      listening.delete(given[1]);
      count();
      removeEventListener.apply(signal, given);
    };
    signal.addEventListener('abort', () => listening.clear());
    listening.clear();
    this.listeners = 0;
  }

  get runId(): string {
    return 'conformance';
  }

  get priority(): number {
    return 0;
  }

  get criticalPath(): number {
    return 1;
  }

  get taskId(): string {
    return this.#taskId;
  }

  get failures(): RunContext['failures'] {
    return [];
  }

  get idempotencyKey(): string {
    return `conformance/${this.#taskId}/1`;
  }

  get attempt(): number {
    return 1;
  }

  get attemptsLeft(): number {
    return 3;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get remainingMs(): undefined {
    return undefined;
  }

  get emit(): RunContext['emit'] {
    return (part) => {
      if (this.isOver) this.wasLate = true;
      const own = partOf(part);
      for (const name of Object.keys(Object(typeof part === 'string' ? undefined : part))) {
        if (!(name in own) && part[name as never] !== undefined) this.foreignFields.add(name);
      }
      this.parts.push(own);
      return undefined;
    };
  }

  get addTasks(): RunContext['addTasks'] {
    return () => {};
  }

  get text(): string {
    return this.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  }

  stop(): void {
    this.#controller.abort(new Error('enough'));
    this.listeners = 0;
  }
}

function requestFor(taskId: string, prompt: string): TaskRequest {
  const texts = { prompt, plainPrompt: prompt, description: prompt };
  const empty = { inputs: Object.freeze({}), metadata: Object.freeze({}) };
  return Object.freeze({ taskId, type: 'action' as const, ...texts, ...empty });
}

function checkAnswer(runner: TaskRunner, answer: TaskOutput, attempt: RecordingContext): void {
  const { output, usage } = readAnswer(runner.name, answer);
  if (typeof output === 'string' && attempt.text !== '') {
    assert(attempt.text === output, 'the emitted text differs from the answer');
  }
  assert(answer.usage === undefined || usage !== undefined, 'its usage is not made of counts');
  if (usage === undefined) return;
  const { inputTokens, outputTokens, cachedInputTokens = 0, reasoningTokens = 0 } = usage;
  assert(cachedInputTokens <= inputTokens, 'it reported more cached tokens than input tokens');
  assert(reasoningTokens <= outputTokens, 'it reported more reasoning tokens than output tokens');
}

/** Each tool call in the log has an id of its own, and is followed by exactly one result. */
function checkToolCalls(timeline: readonly RunEvent[]): void {
  const open = new Set<string>();
  const called = new Set<string>();
  for (const event of timeline) {
    if (event.type !== 'task_output') continue;
    if (event.kind === 'tool_call') {
      assert(!called.has(event.callId), `two calls have the id ${event.callId}`);
      called.add(event.callId);
      open.add(event.callId);
    } else if (event.kind === 'tool_result') {
      assert(open.delete(event.callId), `a result without a call: ${event.callId}`);
    }
  }
  assert(open.size === 0, `calls without a result: ${[...open].join()}`);
}

/** `{ title: string }`, without a library. */
const titleSchema: StandardSchema<unknown, { title: string }> = {
  '~standard': {
    version: 1,
    vendor: 'stratagem',
    validate(value) {
      const { title } = (value ?? {}) as { title?: unknown };
      if (typeof title === 'string') return { value: { title } };
      return { issues: [{ message: 'expected a string', path: ['title'] }] };
    },
    jsonSchema: {
      output: () => ({
        type: 'object',
        properties: { title: { type: 'string' } },
        required: ['title'],
        additionalProperties: false,
      }),
    },
  },
};

const weather: Tool = {
  name: 'weather',
  description: 'The weather in a city, now.',
  inputSchema: {
    '~standard': {
      version: 1,
      vendor: 'stratagem',
      validate: (value) => ({ value }),
      jsonSchema: {
        output: () => ({ type: 'object', properties: { city: { type: 'string' } } }),
      },
    },
  },
  execute: () => 'sunny',
};

/** Starts tasks in the order in which they become ready. */
const inOrder: Strategy = {
  name: 'in order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

function play(
  runner: TaskRunner,
  plan: Plan & { readonly tasks: readonly Task[] },
): PromiseLike<PlanResult> {
  return createExecutor({ strategy: inOrder, runner, maxParallel: 4 }).execute(plan);
}

async function failureOf(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (thrown) {
    return thrown ?? new Error('nothing was thrown');
  }
}

function keepsSecret(secret: string | undefined, text: string): void {
  assert(secret === undefined || !text.includes(secret), 'its output or error contains the secret');
}

function isSame(first: unknown, second: unknown): boolean {
  if (typeof first !== 'object' || typeof second !== 'object' || !first || !second) {
    return Object.is(first, second);
  }
  const keys = Object.keys(second);
  return (
    Object.keys(first).length === keys.length &&
    keys.every((key) => isSame(first[key as never], second[key as never]))
  );
}

async function waitForTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

async function within(timeoutMs: number, run: () => void | Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    const error = new Error(`it did not settle within ${timeoutMs} ms`);
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    await Promise.race([run(), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
