import { ATTEMPT_ERROR_CODES, describe, isStratagemError } from '../contract/errors.js';
import { resourceOf, type TaskRunner } from '../contract/runner.js';
import { assert, type ConformanceCase } from './case.js';
import { type OddBackends, oddBackendCases } from './odd-backends.js';
import { RecordingContext } from './recording-context.js';
import { CODES_OF_KIT, NO_LISTENERS, NO_RUNNER_ERROR, OWN_FIELDS } from './remedies.js';
import {
  checkAnswer,
  checkToolCalls,
  failureOf,
  isSame,
  keepsSecret,
  waitForTurns,
  within,
} from './runner-checks.js';
import { play, requestFor, SAMPLE_OPTIONS, titleSchema, weather } from './runner-fixtures.js';

export interface RunnerConformanceOptions extends OddBackends {
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
        assert(
          isSame(copy, settings),
          'its settings are not plain JSON data; leave out functions, instances and undefined',
        );
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
          'it read inputs and does not declare it; set readsInputs: true',
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
        assert(
          foreignFields.size === 0,
          `it emitted parts with other fields: ${names}; ${OWN_FIELDS}`,
        );
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
        assert(
          !attempt.wasLate,
          'it emitted output after its answer; emit all of it before you return',
        );
        assert(
          attempt.listeners === 0,
          `it left ${attempt.listeners} listeners on the signal; ${NO_LISTENERS}`,
        );
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
        assert(
          failure !== undefined,
          'it answered despite the abort; begin with context.signal.throwIfAborted()',
        );
        assert(
          attempt.text === '',
          'it emitted text despite the abort; begin with context.signal.throwIfAborted()',
        );
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
        assert(
          attempt.listeners === 0,
          `it left ${attempt.listeners} listeners on the signal; ${NO_LISTENERS}`,
        );
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
        assert(
          isStratagemError(refusal),
          'a plan with tools was not refused; leave out supportsTools, or set it to true',
        );
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
  cases.push(...oddBackendCases(options));
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
        assert(isStratagemError(failure), NO_RUNNER_ERROR);
        const { code } = failure;
        const remedy = 'when context.signal is aborted, throw that code';
        assert(code === 'aborted', `it rejected with ${code} instead of aborted; ${remedy}`);
        assert(
          attempt.listeners === 0,
          `it left ${attempt.listeners} listeners on the signal; ${NO_LISTENERS}`,
        );
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
        assert(isStratagemError(failure), NO_RUNNER_ERROR);
        const { code, message } = failure;
        assert(
          ATTEMPT_ERROR_CODES.some((each) => each === code),
          `"${code}" is not an error code of attempts; ${CODES_OF_KIT}`,
        );
        assert(message !== '', 'the error has no message; say what the server said');
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
