import { describe, RunnerError } from '../contract/errors.js';
import { type OutputFiles, savePathKey } from '../contract/output-files.js';
import type { Task } from '../contract/task.js';
import type { Kernel } from '../kernel/kernel.js';
import { COMPLETED_WITH_DETAILS } from '../state/event-log.js';
import { placeInLoops } from '../state/group.js';
import { savePathOf } from '../state/step.js';
import { valueText } from '../state/value-text.js';

/**
 * Saves outputs of a run to files, each one for a single task. The files are written before the
 * completion is recorded: what a journal says to be complete has its file, and an attempt that a crash cut
 * off writes it again.
 */
export class SavedFiles {
  readonly #files: OutputFiles;
  readonly #kernel: Kernel;
  /** The index of the task of each file, by {@link savePathKey}. */
  #writers: Map<string, number> | undefined;

  constructor(files: OutputFiles, kernel: Kernel) {
    this.#files = files;
    this.#kernel = kernel;
  }

  /**
   * Writes the output of a task to its file.
   *
   * @returns The path of the file.
   * @throws {RunnerError} `invalid_input` when the path is none, or that of another task; `task_failed`
   * when the file cannot be written.
   */
  async save(index: number, output: unknown): Promise<string> {
    const kernel = this.#kernel;
    const { save } = kernel.graph.tasks[index] as Task;
    const path = savePathOf(save ?? '', kernel.inputsOf(index), kernel.inputNamesOf(index));
    this.#claim(path, index);
    const content = contentOf(output);
    try {
      await this.#files.write(path, content);
    } catch (cause) {
      const message = `its output could not be saved to ${JSON.stringify(path)}: ${describe(cause)}`;
      throw new RunnerError('task_failed', message, { cause, isRetryable: false });
    }
    return path;
  }

  #claim(path: string, index: number): void {
    this.#writers ??= this.#recorded();
    const key = savePathKey(path);
    const writer = this.#writers.get(key);
    if (writer === undefined) this.#writers.set(key, index);
    else if (writer !== index && this.#writtenIdOf(writer) !== this.#writtenIdOf(index)) {
      const file = JSON.stringify(path);
      const { id } = this.#kernel.graph.tasks[writer] as Task;
      const message = `its save path ${file} is already that of "${id}"; each file has one task`;
      throw new RunnerError('invalid_input', message);
    }
  }

  /** The same for the iterations of a loop, such as `draft#1` and `draft#2`, which write to one file. */
  #writtenIdOf(index: number): string {
    return placeInLoops(index, this.#kernel.graph).id;
  }

  /** The files of tasks that completed before: those of a run that is resumed. */
  #recorded(): Map<string, number> {
    const writers = new Map<string, number>();
    const { log } = this.#kernel;
    for (let position = 0; position < log.length; position++) {
      if (log.kindAt(position) !== COMPLETED_WITH_DETAILS) continue;
      const { savedTo } = log.resultAt(position);
      if (savedTo === undefined) continue;
      writers.set(savePathKey(savedTo), log.indexAt(position));
    }
    return writers;
  }
}

/** Text and bytes as they are, other values as JSON. */
function contentOf(output: unknown): string | Uint8Array {
  if (typeof output === 'string' || output instanceof Uint8Array) return output;
  let text: string | undefined;
  try {
    text = valueText(output, 2);
  } catch (cause) {
    const message = 'its output cannot be written as JSON, so it cannot be saved';
    throw new RunnerError('invalid_output', message, { cause });
  }
  if (text !== undefined) return `${text}\n`;
  throw new RunnerError('invalid_output', 'it has no output that could be saved');
}
