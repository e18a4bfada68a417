import { RunnerError } from '../contract/errors.js';

/** Written into the file; another version is not read. */
const VERSION = 1;
/** Providers keep results for about a month; what is older is forgotten. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;

interface KnownJob {
  /** Unix time in milliseconds. */
  readonly sentAt: number;
  readonly requests: Set<string>;
}

/** The same in the file. */
interface WrittenJob {
  readonly sentAt: number;
  readonly requests: readonly string[];
}

/** The states in use, by their files: several runners of a process may share one. */
const states = new Map<string, Promise<BatchState>>();

/**
 * The state in a file.
 *
 * @throws {RunnerError} `invalid_request` when it is damaged, or in use by another process.
 */
export function stateIn(file: string): Promise<BatchState> {
  let state = states.get(file);
  if (state === undefined) {
    state = BatchState.open(file);
    states.set(file, state);
    // What is wrong may be mended by the next attempt.
    state.catch(() => states.delete(file));
  }
  return state;
}

/** Which requests were sent in which jobs: hashes and ids, nothing of what was asked. */
export class BatchState {
  readonly #file: string;
  readonly #jobs: Map<string, KnownJob>;
  readonly #jobByRequest = new Map<string, string>();
  #saving: Promise<unknown> = Promise.resolve();
  #queued: Promise<void> | undefined;

  private constructor(file: string, jobs: Map<string, KnownJob>) {
    this.#file = file;
    this.#jobs = jobs;
    for (const [jobId, { requests }] of jobs) {
      for (const request of requests) this.#jobByRequest.set(request, jobId);
    }
  }

  static async open(file: string): Promise<BatchState> {
    await lock(file);
    const { readFile } = await import('node:fs/promises');
    const text = await readFile(file, 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    const jobs = new Map<string, KnownJob>();
    for (const [jobId, job] of Object.entries(text === undefined ? {} : parse(text, file))) {
      const { sentAt, requests } = job;
      if (Date.now() - sentAt < MAX_AGE_MS)
        jobs.set(jobId, { sentAt, requests: new Set(requests) });
    }
    return new BatchState(file, jobs);
  }

  jobOf(request: string): string | undefined {
    return this.#jobByRequest.get(request);
  }

  /** Resolves when it is on disk. */
  add(jobId: string, requests: readonly string[]): Promise<void> {
    this.#jobs.set(jobId, { sentAt: Date.now(), requests: new Set(requests) });
    for (const request of requests) this.#jobByRequest.set(request, jobId);
    return this.#save();
  }

  /** The request has failed: it is to be sent again. */
  forget(request: string): void {
    const jobId = this.#jobByRequest.get(request);
    if (jobId === undefined) return;
    this.#jobByRequest.delete(request);
    const requests = this.#jobs.get(jobId)?.requests;
    requests?.delete(request);
    if (requests?.size === 0) this.#jobs.delete(jobId);
    // Not on disk, it is found in that job once more after a restart, and fails once more.
    this.#save().catch(() => {});
  }

  forgetJob(jobId: string): void {
    for (const request of this.#jobs.get(jobId)?.requests ?? []) {
      if (this.#jobByRequest.get(request) === jobId) this.#jobByRequest.delete(request);
    }
    if (this.#jobs.delete(jobId)) this.#save().catch(() => {});
  }

  /** One after the other; what changes while one waits for its turn is saved with it. */
  #save(): Promise<void> {
    this.#queued ??= this.#saving.then(() => {
      this.#queued = undefined;
      const writing = this.#write();
      this.#saving = writing.catch(() => {});
      return writing;
    });
    return this.#queued;
  }

  /** All of it or nothing: a crash leaves the file as it was. */
  async #write(): Promise<void> {
    const { rename, writeFile } = await import('node:fs/promises');
    const jobs: Record<string, WrittenJob> = {};
    for (const [jobId, { sentAt, requests }] of this.#jobs) {
      jobs[jobId] = { sentAt, requests: [...requests] };
    }
    const draft = `${this.#file}.draft`;
    await writeFile(draft, JSON.stringify({ version: VERSION, jobs }), { mode: 0o600 });
    await rename(draft, this.#file);
  }
}

function parse(text: string, file: string): Record<string, WrittenJob> {
  const data = parsed(text) as { version?: unknown; jobs?: unknown } | undefined;
  const { version, jobs } = data ?? {};
  const isState =
    version === VERSION &&
    typeof jobs === 'object' &&
    jobs !== null &&
    Object.values(jobs).every(isWrittenJob);
  if (isState) return jobs as Record<string, WrittenJob>;
  const message = `the stateFile ${file} is damaged, or of another version; move it away to begin anew`;
  throw new RunnerError('invalid_request', message);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isWrittenJob(value: unknown): value is WrittenJob {
  const { sentAt, requests } = (value ?? {}) as Partial<WrittenJob>;
  return Number.isFinite(sentAt) && Array.isArray(requests);
}

/**
 * Keeps other processes from the file until this one ends.
 *
 * @throws {RunnerError} when another one has it.
 */
async function lock(file: string): Promise<void> {
  const { mkdir, readFile, rm, writeFile } = await import('node:fs/promises');
  const { dirname } = await import('node:path');
  const { unlinkSync } = await import('node:fs');
  const lockFile = `${file}.lock`;
  await mkdir(dirname(file), { recursive: true });
  for (let tries = 0; ; tries++) {
    try {
      await writeFile(lockFile, String(process.pid), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST' || tries > 2) throw error;
      const holder = Number(await readFile(lockFile, 'utf8').catch(() => ''));
      if (holder === process.pid) return;
      if (isAlive(holder)) {
        const message = `the stateFile ${file} is in use by process ${holder}`;
        throw new RunnerError('invalid_request', message);
      }
      await rm(lockFile, { force: true }); // Its process has died without taking it away.
    }
  }
  process.once('exit', () => {
    try {
      unlinkSync(lockFile);
    } catch {
      // It is gone already.
    }
  });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
