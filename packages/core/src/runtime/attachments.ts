import type { AttachmentOptions } from '../contract/attachment.js';
import type { Task } from '../contract/task.js';
import type { RecordedAttachments } from '../journal/recorded-attachments.js';
import type { AttachmentReader } from './attachment-reader.js';

/** The attachments of one run. Their reader is loaded when it is needed: most tasks have none. */
export class Attachments {
  /** Undefined until it is loaded. */
  reader: AttachmentReader | undefined;
  /** The copies in the journal, of a resumed run at first. */
  recorded: RecordedAttachments | undefined;
  readonly #options: AttachmentOptions | undefined;

  constructor(options: AttachmentOptions | undefined, recorded: RecordedAttachments | undefined) {
    this.#options = options;
    this.recorded = recorded;
  }

  async load(): Promise<AttachmentReader> {
    const { AttachmentReader, RecordedAttachments } = await import('./attachment-reader.js');
    this.recorded ??= new RecordedAttachments();
    this.reader ??= new AttachmentReader(this.#options, this.recorded);
    return this.reader;
  }
}

/** Whether any of the tasks, or of their subtasks, attaches something. */
export function haveAttachments(tasks: readonly Task[]): boolean {
  return tasks.some(
    ({ attachments, subtasks, plan }) =>
      attachments !== undefined ||
      (subtasks !== undefined && haveAttachments(subtasks)) ||
      (plan !== undefined && haveAttachments(plan.tasks)),
  );
}
