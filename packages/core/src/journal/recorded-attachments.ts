import type { AttachedFile } from '../contract/attachment.js';
import type { EventData } from '../contract/journal.js';
import { fromBase64, toBase64 } from '../util/base64.js';

/**
 * The bytes of attachments in the journal of one run: each once, by its hash. A resumed run takes the
 * copies of tasks that have not completed, so that it does not need the files.
 */
export class RecordedAttachments {
  /** The hashes of the attachments of tasks that have not completed, by task and source. */
  readonly #hashes = new Map<string, string>();
  /** Bytes in base64, of these hashes. */
  readonly #contents = new Map<string, string>();
  /** The hashes whose bytes the log has. */
  readonly #written = new Set<string>();
  readonly #completed: ReadonlySet<string>;
  /** Bytes that the next events need. */
  readonly #pending = new Map<string, Uint8Array>();

  /**
   * @param log The recorded events.
   * @param adopted The events that the run continues from, if not these: a log without the bytes.
   */
  constructor(log: readonly EventData[] = [], adopted?: readonly EventData[]) {
    const hadCompleted = completedIn(log);
    this.#completed = adopted === undefined ? hadCompleted : completedIn(adopted);
    for (const event of log) {
      if (event.type !== 'task_output' || event.kind !== 'attachment') continue;
      const { taskId, source, sha256, data } = event;
      if (typeof sha256 !== 'string') continue;
      this.#hashes.set(keyOf(taskId as string, source as string), sha256);
      if (typeof data === 'string') this.#contents.set(sha256, data);
    }
    if (adopted === undefined) {
      for (const sha256 of this.#contents.keys()) this.#written.add(sha256);
    }
    for (const key of [...this.#hashes.keys()]) {
      const [taskId] = JSON.parse(key) as [string, string];
      // Such a task that runs again reads the file as it is now.
      if (hadCompleted.has(taskId)) this.#hashes.delete(key);
    }
    const needed = new Set(this.#hashes.values());
    for (const sha256 of [...this.#contents.keys()]) {
      if (!needed.has(sha256)) this.#contents.delete(sha256);
    }
  }

  /** The copy of what a task attached from a path. */
  find(taskId: string, source: string): Uint8Array | undefined {
    const data = this.#contents.get(this.#hashes.get(keyOf(taskId, source)) ?? '');
    return data === undefined ? undefined : fromBase64(data);
  }

  /** Whether a task had completed when the run was resumed: it does not need its files. */
  isCompleted(taskId: string): boolean {
    return this.#completed.has(taskId);
  }

  /** Keeps bytes until the event about them is written. */
  add({ sha256, data }: AttachedFile): void {
    if (!this.#written.has(sha256)) this.#pending.set(sha256, data);
  }

  /** The bytes for the event about them, in base64; undefined when the log has them already. */
  take(sha256: string): string | undefined {
    const bytes = this.#pending.get(sha256);
    if (bytes === undefined) return undefined;
    this.#pending.delete(sha256);
    this.#written.add(sha256);
    return toBase64(bytes);
  }
}

function completedIn(log: readonly EventData[]): ReadonlySet<string> {
  const completed = log.filter(({ type }) => type === 'task_completed');
  return new Set(completed.map(({ taskId }) => taskId as string));
}

function keyOf(taskId: string, source: string): string {
  return JSON.stringify([taskId, source]);
}
