import { bytesOf, requireModule, sha256Of } from '../contract/attached-bytes.js';
import {
  type AttachedFile,
  type Attachment,
  type AttachmentOptions,
  MAX_ATTACHMENT_BYTES,
  type RequestAttachment,
} from '../contract/attachment.js';
import { describe, RunnerError } from '../contract/errors.js';
import {
  BEGINNING_LENGTH,
  extensionType,
  mediaTypeOf,
  supportProblem,
} from '../contract/media-type.js';
import type { AttachmentPart } from '../contract/output-part.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import type { TaskRunner } from '../contract/runner.js';
import { needsRunner, type Task } from '../contract/task.js';
import { RecordedAttachments } from '../journal/recorded-attachments.js';
import { fillValue } from '../state/fill.js';
import type { Runners } from './runners.js';

export { RecordedAttachments };

/** An attachment of an attempt. */
interface Attached {
  /** The part of the log that says what the attempt got. */
  readonly part: AttachmentPart;
  /** Whether it comes from a file. The journal has other bytes already: in the plan, or in outputs. */
  readonly isFile: boolean;
  readonly attachment: RequestAttachment;
}

/** What a task attaches, and what its references mean. */
interface AttachingTask {
  readonly id: string;
  readonly attachments: readonly (string | Attachment)[];
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The names that references may have, also those of branches that were not chosen. */
  readonly names: readonly string[];
  /** The runner that gets them; undefined for a function. */
  readonly runner: TaskRunner | undefined;
}

/** A source without references, and the names that its task gives it. */
interface Source extends Pick<Attachment, 'mediaType' | 'filename'> {
  readonly of: string | Uint8Array;
}

/** Reads the attachments of the tasks of one run. */
export class AttachmentReader {
  readonly #options: AttachmentOptions;
  readonly #recorded: RecordedAttachments | undefined;

  /** @param recorded The copies in the journal of a resumed run. */
  constructor(options: AttachmentOptions = {}, recorded?: RecordedAttachments) {
    this.#options = options;
    this.#recorded = recorded;
  }

  /**
   * Checks the attachments of tasks before they run, as far as they are known.
   *
   * @throws {PlanError} for files that cannot be read, and for types that the runners do not take.
   */
  require(tasks: readonly Task[], runners: Runners): void {
    const problems: PlanProblem[] = [];
    this.#check(tasks, ['tasks'], runners, problems);
    if (problems.length > 0) throw new PlanError(problems);
  }

  #check(
    tasks: readonly Task[],
    path: PlanProblem['path'],
    runners: Runners,
    problems: PlanProblem[],
  ): void {
    for (const [position, task] of tasks.entries()) {
      for (const [place, each] of task.attachments?.entries() ?? []) {
        const runner = needsRunner(task) ? runners.of(task) : undefined;
        const problem = this.#problemOf(task.id, each, runner);
        if (problem === undefined) continue;
        const message = `the attachment of task "${task.id}" ${problem}`;
        const at = [...path, position, 'attachments', place];
        problems.push({ code: 'invalid_value', path: at, message });
      }
      const { subtasks, plan } = task;
      const inner = [...path, position];
      if (subtasks !== undefined) this.#check(subtasks, [...inner, 'subtasks'], runners, problems);
      if (plan !== undefined)
        this.#check(plan.tasks, [...inner, 'plan', 'tasks'], runners, problems);
    }
  }

  /**
   * Why an attachment of a plan cannot be used, as far as that is known before the run. Undefined for one
   * with references.
   */
  #problemOf(
    taskId: string,
    attachment: string | Attachment,
    runner: TaskRunner | undefined,
  ): string | undefined {
    const { path, url } = Object(attachment) as Attachment;
    const text = typeof attachment === 'string' ? attachment : (path ?? url);
    if (text?.includes('{{') || this.#recorded?.isCompleted(taskId)) return undefined;
    try {
      const of = text ?? (bytesIn(attachment as Attachment) as Uint8Array);
      const source = { of, ...(typeof attachment === 'object' && attachment) };
      const { mediaType } = this.#look(taskId, source);
      return runner && supportProblem(mediaType, runner);
    } catch (thrown) {
      return describe(thrown);
    }
  }

  /**
   * Reads the attachments of a task.
   *
   * @throws {RunnerError} `invalid_input` with the attachment and what is wrong with it.
   */
  read({ id, attachments, inputs, names, runner }: AttachingTask): Attached[] {
    return attachments.flatMap((each) =>
      sourcesOf(each, (text) => fillValue(text, inputs, (name) => names.includes(name))).map(
        (source) => {
          try {
            const attachment = this.#read(id, source);
            const problem = runner && supportProblem(attachment.mediaType, runner);
            if (problem !== undefined) throw new TypeError(problem);
            const isFile = typeof source.of === 'string' && attachment.data !== undefined;
            return { part: partOf(nameOf(source), attachment), isFile, attachment };
          } catch (thrown) {
            const message = `its attachment "${nameOf(source)}" ${describe(thrown)}`;
            throw new RunnerError('invalid_input', message);
          }
        },
      ),
    );
  }

  #read(taskId: string, source: Source): RequestAttachment {
    const look = this.#look(taskId, source);
    if (look.url !== undefined) return look;
    const { filename, mediaType } = look;
    const data = look.read();
    // It may have grown since it was looked at.
    this.#requireSize(data.length);
    return { filename, mediaType, data, size: data.length, sha256: sha256Of(data) };
  }

  /** Finds out what an attachment is, without reading all of it. */
  #look(taskId: string, source: Source): Look {
    const { of, mediaType, filename } = source;
    if (of instanceof Uint8Array) return this.#lookAtBytes(of, source, filename ?? 'data');
    if (/^https?:\/\//i.test(of)) return lookAtUrl(of, source);
    if (/^[a-z][a-z0-9+.-]+:/i.test(of)) throw new TypeError('is no http(s) address and no path');
    const recorded = this.#recorded?.find(taskId, of);
    const name = filename ?? lastPart(of);
    if (recorded !== undefined) return this.#lookAtBytes(recorded, source, name);
    return { filename: name, ...this.#lookAtFile(of, name, mediaType) };
  }

  #lookAtBytes(bytes: Uint8Array, { mediaType }: Source, filename: string): LookAtFile {
    this.#requireSize(bytes.length);
    const found = typeOf(filename, bytes, mediaType);
    return { filename, mediaType: found, read: () => bytes };
  }

  #lookAtFile(path: string, name: string, mediaType: string | undefined) {
    const fs = fileSystem();
    const file = this.#allowedFile(path);
    const { size } = fs.statSync(file);
    this.#requireSize(size);
    const beginning = new Uint8Array(BEGINNING_LENGTH);
    const descriptor = fs.openSync(file, 'r');
    try {
      const length = fs.readSync(descriptor, beginning, 0, BEGINNING_LENGTH, 0);
      const found = typeOf(name, beginning.subarray(0, length), mediaType);
      return { mediaType: found, read: () => new Uint8Array(fs.readFileSync(file)) };
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /** The real path of a file that may be read. */
  #allowedFile(path: string): string {
    const { isAbsolute, relative, resolve, sep } = requireModule(
      'node:path',
    ) as typeof import('node:path');
    const fs = fileSystem();
    const { directory = process.cwd(), allowRead = [] } = this.#options;
    const isIn = (folder: string, file: string) => {
      const way = relative(folder, file);
      return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
    };
    const wanted = resolve(directory, path);
    const folders = [directory, ...allowRead].map((each) => resolve(each));
    const outside = new TypeError(
      `is outside of ${directory}; allow its folder with attachments.allowRead`,
    );
    // Before looking: whether a file exists elsewhere is nobody's business.
    if (!folders.some((folder) => isIn(folder, wanted))) throw outside;
    const stat = fs.statSync(wanted, { throwIfNoEntry: false });
    if (stat === undefined) throw new TypeError(`is not there: there is no file ${wanted}`);
    if (!stat.isFile()) throw new TypeError('is not a file');
    const real = fs.realpathSync(wanted);
    const isReal = folders.some((folder) => isIn(fs.realpathSync(folder), real));
    if (!isReal) throw outside;
    return real;
  }

  #requireSize(size: number): void {
    const { maxBytes = MAX_ATTACHMENT_BYTES } = this.#options;
    if (size === 0) throw new TypeError('is empty');
    if (size <= maxBytes) return;
    throw new TypeError(`has ${size} bytes, and attachments.maxBytes is ${maxBytes}`);
  }
}

function fileSystem() {
  return requireModule('node:fs') as typeof import('node:fs');
}

/** What is known of an attachment before all of it is read. */
type Look = LookAtFile | Extract<RequestAttachment, { readonly url: string }>;

interface LookAtFile extends Pick<AttachedFile, 'filename' | 'mediaType'> {
  readonly url?: undefined;
  readonly read: () => Uint8Array;
}

function lookAtUrl(url: string, { mediaType, filename }: Source): Look {
  if (!URL.canParse(url)) throw new TypeError('is not a valid address');
  const { pathname, username, password } = new URL(url);
  if (username !== '' || password !== '') {
    throw new TypeError('has a user name or password, which the provider would see');
  }
  const name = filename ?? (lastPart(decoded(pathname)) || 'attachment');
  const found = mediaType ?? extensionType(name);
  if (found === undefined) throw new TypeError('has no known extension; give its mediaType');
  return { filename: name, mediaType: found, url };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The media type that a task gives, unless the bytes are of another one; else that of the bytes. */
function typeOf(name: string, beginning: Uint8Array, given: string | undefined): string {
  const found = mediaTypeOf(name, beginning);
  if (given === undefined || given === found) return given ?? found;
  const isBinary = mediaTypeOf('', beginning);
  if (!['application/octet-stream', 'text/plain', 'application/zip', given].includes(isBinary)) {
    throw new TypeError(`is ${isBinary}, not ${given}`);
  }
  return given;
}

function lastPart(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

function nameOf({ of, filename }: Source): string {
  return typeof of === 'string' ? of : (filename ?? 'data');
}

/** The bytes of an attachment, also of a plan that has not been copied. */
function bytesIn(attachment: Attachment): Uint8Array | undefined {
  return bytesOf(attachment) ?? attachment.data;
}

/** The attachments that one entry stands for: a reference may be to a list of them. */
function sourcesOf(entry: string | Attachment, fill: (text: string) => unknown): Source[] {
  const { path, url, mediaType, filename } = Object(entry) as Attachment;
  const text = typeof entry === 'string' ? entry : (path ?? url);
  const value = text === undefined ? bytesIn(entry as Attachment) : fill(text);
  const names = { mediaType, filename };
  return (Array.isArray(value) ? value : [value]).flatMap((each): Source[] => {
    if (each === undefined || each === '') return []; // Its branch was not chosen.
    if (typeof each === 'string' || each instanceof Uint8Array) return [{ of: each, ...names }];
    const message = `its attachment ${text} must be a path, an address, bytes, or a list of these`;
    throw new RunnerError('invalid_input', message);
  });
}

function partOf(source: string, attachment: RequestAttachment): AttachmentPart {
  const { filename, mediaType } = attachment;
  const shown = { kind: 'attachment' as const, filename, mediaType, source };
  if (attachment.data === undefined) return shown;
  return { ...shown, size: attachment.size, sha256: attachment.sha256 };
}
