import { describe, RunnerError } from '../contract/errors.js';
import {
  type AttemptResult,
  resourceOf,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '../contract/runner.js';
import { readAnswer } from '../contract/runner-output.js';
import type { StandardSchema } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { validateAnswer } from '../contract/validate-output.js';
import { contentKeyOf } from '../journal/content-key.js';
import type { Reuse } from '../journal/reuse.js';
import type { Redact } from '../journal/write-ahead-log.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Inputs } from '../state/inputs.js';
import type { Attempt } from './attempt.js';
import { requestOf } from './request.js';
import { bindTool } from './tool-call.js';
import type { Toolbox } from './tool-registry.js';

/** What of a run's settings says how its runner is asked. */
interface AskSettings {
  readonly runner: TaskRunner | undefined;
  readonly toolbox: Toolbox;
  readonly record: RecordSettings | undefined;
}

interface RecordSettings {
  readonly redact: Redact | undefined;
  /** Where outputs of earlier runs are looked for. */
  readonly reuse: Reuse | undefined;
}

/** Asks the runner of a run for the tasks that go to it, and finds what was asked before. */
export class Asker {
  readonly #settings: AskSettings;
  readonly #kernel: Kernel;
  readonly #now: () => number;

  constructor(settings: AskSettings, kernel: Kernel, now: () => number) {
    this.#settings = settings;
    this.#kernel = kernel;
    this.#now = now;
  }

  /** What the runner answers: a `TaskOutput`, or an error that says what is wrong with it. */
  async ask(task: Task, inputs: Inputs, attempt: Attempt): Promise<AttemptResult> {
    const { toolbox, record } = this.#settings;
    const runner = this.#settings.runner as TaskRunner;
    const tools = toolbox.of(task).map((tool) => bindTool(tool, attempt));
    const request = requestOf(this.#kernel, attempt.index, inputs, tools);
    if (record !== undefined) return this.#askOrReuse(record, task, request, attempt);
    const answer = readAnswer(runner.name, await runner.run(request, attempt));
    return task.outputSchema === undefined ? answer : fitting(task.outputSchema, answer);
  }

  /** The same with a journal, in which the answer is found again. */
  async #askOrReuse(
    { redact, reuse }: RecordSettings,
    task: Task,
    request: TaskRequest,
    attempt: Attempt,
  ): Promise<AttemptResult> {
    const { outputSchema } = task;
    const runner = this.#settings.runner as TaskRunner;
    // What has been redacted is no answer to anything. The attempt waits for the key only where an
    // earlier answer may take its place.
    const key =
      redact === undefined
        ? contentKeyOf(request, runner, resourceOf(runner, task))
        : Promise.resolve(undefined);
    key.catch(() => {}); // It is reported below, unless the attempt itself fails.
    if (reuse !== undefined) {
      const known = await key;
      const found =
        known === undefined ? undefined : await this.#find(reuse, known, outputSchema, attempt);
      if (found !== undefined) return found;
    }
    const answer = readAnswer(runner.name, await runner.run(request, attempt));
    const result = outputSchema === undefined ? answer : await fitting(outputSchema, answer);
    const contentKey = await key;
    return contentKey === undefined ? result : { ...result, contentKey };
  }

  /** What an earlier run has found out. A journal that cannot say is done without. */
  async #find(
    reuse: Reuse,
    contentKey: string,
    outputSchema: StandardSchema | undefined,
    attempt: Attempt,
  ): Promise<AttemptResult | undefined> {
    try {
      const found = await reuse.find(contentKey, outputSchema, this.#now());
      if (found === undefined) return undefined;
      const { output, runId, model } = found;
      const reused = { output, contentKey, reused: { runId } };
      return model === undefined ? reused : { ...reused, model };
    } catch (thrown) {
      const message = `could not look for what earlier runs found out: ${describe(thrown)}`;
      attempt.emit({ kind: 'notice', source: 'journal', message });
      return undefined;
    }
  }
}

async function fitting(outputSchema: StandardSchema, answer: TaskOutput): Promise<TaskOutput> {
  try {
    return { ...answer, output: await validateAnswer(outputSchema, answer.output) };
  } catch (thrown) {
    if (!(thrown instanceof RunnerError)) throw thrown;
    // What does not fit has been paid for all the same.
    const { usage, costUsd, model, requestId, rateLimits } = answer;
    throw Object.assign(thrown, { usage, costUsd, model, requestId, rateLimits });
  }
}
