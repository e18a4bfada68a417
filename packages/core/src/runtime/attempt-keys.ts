import { describe } from '../contract/errors.js';
import type { AttemptResult, TaskRunner } from '../contract/runner.js';
import { type ContentKey, contentKeyOf, stepKeyOf } from '../journal/content-key.js';
import type { Kernel } from '../kernel/kernel.js';
import { isOfStream, placeInLoops } from '../state/group.js';
import type { Attempt } from './attempt.js';
import type { RunSettings } from './settings.js';

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
    const anyPosition = record?.reuse?.anyPosition || isOfStream(attempt.index, this.#kernel.graph);
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
