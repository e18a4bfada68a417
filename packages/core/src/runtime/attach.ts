import type { AttachedFile } from '../contract/attachment.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Task } from '../contract/task.js';
import type { Kernel } from '../kernel/kernel.js';
import type { AttachmentReader } from './attachment-reader.js';
import type { Attempt } from './attempt.js';
import type { RunSettings } from './settings.js';

/**
 * Reads what the task of an attempt attaches, for its request or its function.
 *
 * @returns What the attempt reports about it.
 * @throws {RunnerError} `invalid_input` when something cannot be read.
 */
export function attach(
  attempt: Attempt,
  reader: AttachmentReader,
  kernel: Kernel,
  { attachments, runners, record }: RunSettings,
): OutputPart[] {
  const { task, index } = attempt;
  const attached = reader.read({
    id: task.id,
    attachments: task.attachments as NonNullable<Task['attachments']>,
    inputs: kernel.inputsOf(index),
    names: kernel.inputNamesOf(index),
    runner: task.run === undefined ? runners.of(task) : undefined,
  });
  attempt.attachments = attached.map(({ attachment }) => attachment);
  // A redacted run records no such events.
  const isRecorded = record !== undefined && record.redact === undefined;
  for (const { attachment, isFile } of attached) {
    if (isRecorded && isFile) attachments.recorded?.add(attachment as AttachedFile);
  }
  return attached.map(({ part }) => part);
}
