import { identitiesOf } from '../contract/attached-bytes.js';
import { withoutDelivery } from '../contract/call-options.js';
import type { ValueCodec } from '../contract/codec.js';
import { describe } from '../contract/errors.js';
import type { AttemptResult, TaskRequest, TaskRunner } from '../contract/runner.js';
import type { SecretTexts } from '../contract/secret-texts.js';
import type { Tool } from '../contract/tool.js';
import { TaskKind } from '../graph/task-kind.js';
import type { Kernel } from '../kernel/kernel.js';
import { canonicalText } from '../serialize/canonical.js';
import { UnstorableError } from '../serialize/value.js';
import { isOfStream, placeInLoops } from '../state/group.js';
import type { Step } from '../state/step.js';
import { sha256 } from '../util/sha256.js';
import type { Attempt, ContentKey } from './attempt.js';
import type { RunSettings } from './settings.js';

/** Increased when the same content is encoded differently. */
const VERSION = 2;

/** In a run with a journal: the keys under which outputs are found again, and those that were found. */
export class AttemptKeys {
  readonly #settings: RunSettings;
  readonly #kernel: Kernel;

  constructor(settings: RunSettings, kernel: Kernel) {
    this.#settings = settings;
    this.#kernel = kernel;
  }

  /**
   * The key of what an attempt is asked; undefined when its output is no answer to the same question.
   *
   * @throws {RunnerError} `invalid_input` when its request cannot be made.
   */
  of(attempt: Attempt): ContentKey {
    const { task, contentKey } = attempt;
    const { record, toolbox, runners, codecs, secretTexts } = this.#settings;
    if (contentKey !== undefined) return contentKey;
    // Nobody can see what functions and tools do.
    if (task.run !== undefined) return undefined;
    if (task.tools !== undefined && task.tools.length > 0) return undefined;
    if (task.tool !== undefined || task.command !== undefined) {
      const { iterations } = placeInLoops(attempt.index, this.#kernel.graph);
      const options = { iterations, codecs, secretTexts };
      return stepKeyOf(attempt.step, toolbox.called(task), options);
    }
    const { model } = task;
    const usual = model === undefined ? runners.usualResource : undefined;
    const resource = usual ?? runners.resourceOf(task);
    const runner = attempt.runner ?? (runners.of(task) as TaskRunner);
    const request = model === undefined ? attempt.request : runners.requestFor(attempt.request);
    const { graph } = this.#kernel;
    const isOfOne = graph.hasKind(TaskKind.stream) && isOfStream(attempt.index, graph);
    const anyPosition = record?.reuse?.anyPosition || isOfOne;
    return contentKeyOf(request, runner, resource, codecs, anyPosition);
  }

  /**
   * The output of an earlier run for the same request, which takes the place of the attempt. A journal that
   * cannot say is done without.
   *
   * @param notice Takes what went wrong.
   */
  async find(
    attempt: Attempt,
    now: number,
    notice: (message: string) => void,
  ): Promise<AttemptResult | undefined> {
    try {
      const key = await this.#keyBefore(attempt);
      const { reuse } = this.#settings.record ?? {};
      const { outputSchema } = attempt.task;
      const found = key === undefined ? undefined : await reuse?.find(key, outputSchema, now);
      if (found === undefined) return undefined;
      const { runId, ...answer } = found;
      return { ...answer, contentKey: key, reused: { runId } };
    } catch (thrown) {
      notice(`could not look for outputs of earlier runs: ${describe(thrown)}`);
      return undefined;
    }
  }

  /** The key of an attempt that has not started: it will say itself what is wrong with its request. */
  #keyBefore(attempt: Attempt): ContentKey {
    try {
      attempt.contentKey = this.of(attempt);
    } catch {
      return undefined;
    }
    return attempt.contentKey;
  }
}

/**
 * A hash of everything that determines an output: the task with its rendered prompt, and the runner with
 * its resource (usually provider and model) and settings. Of the inputs, it has the names alone, unless
 * the runner reads their values: what the prompt does not show cannot change the answer. Undefined when
 * that is unknown: for a task with tools, whose code may do anything, and for inputs or settings that
 * are not plain data.
 *
 * A runner without `settings` is identified by its name and resource alone.
 *
 * @param anyPosition See `ReuseOptions.anyPosition`.
 */
export function contentKeyOf(
  request: TaskRequest,
  runner: TaskRunner,
  resource: string,
  codecs?: readonly ValueCodec[],
  anyPosition = false,
): ContentKey {
  const { tools, check: _, inputs, options, attachments, ...others } = request;
  if (tools !== undefined) return undefined;
  const taskId = anyPosition ? withoutPositions(request.taskId) : request.taskId;
  const rest = {
    ...others,
    taskId,
    ...(attachments && { attachments: identitiesOf(attachments) }),
  };
  const { name, settings, readsInputs = false } = runner;
  const asked = options && withoutDelivery(options);
  const hasOptions = asked !== undefined && Object.keys(asked).length > 0;
  const shown = hasOptions ? { ...rest, options: asked } : rest;
  const content = { ...shown, inputs: readsInputs ? inputs : Object.keys(inputs).sort() };
  const answering = settings === undefined ? {} : withoutDelivery(settings);
  return keyOf({ version: VERSION, content, name, resource, settings: answering }, codecs);
}

/** The id of a task without the places of items in their lists: `read[3].sum` becomes `read[].sum`. */
function withoutPositions(taskId: string): string {
  return taskId.replace(/\[\d+\]/g, '[]');
}

/**
 * A hash of a tool and its arguments, with the marks of secrets in the place of their texts. Undefined for
 * a command, whose effects nobody knows, for a tool that says so, and for arguments that are not plain data.
 * Each iteration of a loop has a key of its own: a loop that asks until something is done repeats its call.
 */
export function stepKeyOf(
  step: Step,
  tool: Tool | undefined,
  { iterations, codecs, secretTexts }: StepKeyOptions,
): ContentKey {
  if (step.kind === 'command' || tool === undefined || !isReusable(tool, step.args)) {
    return undefined;
  }
  const args = secretTexts?.value(step.args) ?? step.args;
  const called = { version: VERSION, tool: tool.name, args };
  return keyOf(iterations.length === 0 ? called : { ...called, iterations }, codecs);
}

interface StepKeyOptions {
  /** The iterations of loops that the task belongs to. */
  readonly iterations: readonly string[];
  readonly codecs?: readonly ValueCodec[] | undefined;
  readonly secretTexts?: SecretTexts | undefined;
}

/** A function that fails on these arguments leaves that to the call itself. */
function isReusable({ reusable = true }: Tool, args: unknown): boolean {
  if (typeof reusable === 'boolean') return reusable;
  try {
    return reusable(args) === true;
  } catch {
    return false;
  }
}

function keyOf(content: unknown, codecs: readonly ValueCodec[] | undefined): ContentKey {
  try {
    return sha256(canonicalText(content, codecs));
  } catch (error) {
    if (error instanceof UnstorableError) return undefined;
    throw error;
  }
}
