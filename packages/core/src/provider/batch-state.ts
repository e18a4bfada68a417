import { RunnerError } from '../contract/errors.js';
import { lockFile } from '../util/file-lock.js';

/** The version of the file format. */
const VERSION = 1;
/** Providers keep results for about a month, so older jobs are dropped. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;

interface KnownJob {
  /** Unix time in milliseconds. */
  readonly sentAt: number;
  readonly requests: Set<string>;
  /** Of a job that may be someone else's: the other ones that the requests may be in. */
  readonly others?: readonly string[] | undefined;
}

/** A job in the file. */
interface WrittenJob {
  readonly sentAt: number;
  readonly requests: readonly string[];
  readonly others?: readonly string[] | undefined;
}

/** The content of the file. */
interface Written {
  readonly jobs: Readonly<Record<string, WrittenJob>>;
  /** Jobs whose ids are unknown, by key; left out when there are none. */
  readonly sending?: Readonly<Record<string, WrittenJob>> | undefined;
}

/** A job that is being sent, or was when its process ended. */
export interface Sending extends KnownJob {
  readonly key: string;
}

/** The open states by file: several runners of a process may share one. */
const states = new Map<string, Promise<BatchState>>();

/**
 * Opens the state in a file.
 *
 * @throws {RunnerError} `invalid_request` when the file is damaged, or used by another process.
 */
export function openState(file: string): Promise<BatchState> {
  let state = states.get(file);
  if (state === undefined) {
    state = BatchState.open(file);
    states.set(file, state);
    // The next attempt opens the file again.
    state.catch(() => states.delete(file));
  }
  return state;
}

/** Which job contains which request: only hashes and ids, nothing of the prompts. */
export class BatchState {
  readonly #file: string;
  readonly #jobs: Map<string, KnownJob>;
  readonly #jobByRequest = new Map<string, string>();
  /** By key. */
  readonly #sending: Map<string, KnownJob>;
  readonly #keyByRequest = new Map<string, string>();
  /** By key: resolves when it is known whether a job was sent, and as which one. */
  readonly #settling = new Map<string, Promise<void>>();
  #searching: Promise<unknown> = Promise.resolve();
  #saving: Promise<unknown> = Promise.resolve();
  #queued: Promise<void> | undefined;

  private constructor(file: string, { jobs, sending = {} }: Written) {
    this.#file = file;
    this.#jobs = recent(jobs);
    this.#sending = recent(sending);
    for (const [key, { requests }] of this.#sending) {
      for (const request of requests) this.#keyByRequest.set(request, key);
    }
    for (const [jobId, { requests }] of this.#jobs) {
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
    return new BatchState(file, text === undefined ? { jobs: {} } : parse(text, file));
  }

  jobOf(request: string): string | undefined {
    return this.#jobByRequest.get(request);
  }

  /** Whether the requests of a job are known, rather than guessed. */
  knows(jobId: string): boolean {
    return this.#jobs.has(jobId) && !this.isGuess(jobId);
  }

  /** Whether a job may be someone else's. */
  isGuess(jobId: string): boolean {
    return this.#jobs.get(jobId)?.others !== undefined;
  }

  /** The job with this request that is being sent, or was when its process ended. */
  sendingOf(request: string): Sending | undefined {
    const key = this.#keyByRequest.get(request);
    const job = key === undefined ? undefined : this.#sending.get(key);
    return key === undefined || job === undefined ? undefined : { key, ...job };
  }

  /**
   * Does the work after which it is known whether the job with this key was sent. All queues that use
   * the file wait for the same work.
   */
  settle(key: string, work: () => Promise<void>): Promise<void> {
    let settling = this.#settling.get(key);
    if (settling === undefined) {
      settling = work().finally(() => this.#settling.delete(key));
      this.#settling.set(key, settling);
    }
    return settling;
  }

  /** Searches one after the other, as each takes a job that the next one must not take. */
  search(work: () => Promise<void>): Promise<void> {
    const searching = this.#searching.then(work);
    this.#searching = searching.catch(() => {});
    return searching;
  }

  /** Resolves when it is on disk that this job is being sent: from then on, it can be found again. */
  beginSending(key: string, requests: readonly string[]): Promise<void> {
    this.#sending.set(key, { sentAt: Date.now(), requests: new Set(requests) });
    for (const request of requests) this.#keyByRequest.set(request, key);
    return this.#save();
  }

  /** Forgets a job that was not sent, or is recorded with its next change. */
  endSending(key: string): void {
    for (const request of this.#sending.get(key)?.requests ?? []) {
      if (this.#keyByRequest.get(request) === key) this.#keyByRequest.delete(request);
    }
    // If it is not written, the job is looked for once more after a restart.
    if (this.#sending.delete(key)) this.#save().catch(() => {});
  }

  /**
   * Resolves when the job is on disk.
   *
   * @param others The jobs that the requests may be in instead; left out when they are known to be in this one.
   */
  add(jobId: string, given: readonly string[], others?: readonly string[]): Promise<void> {
    const known = this.#jobs.get(jobId);
    const requests = new Set([...(known?.requests ?? []), ...given]);
    const guess = others && { others: [...new Set([...(known?.others ?? []), ...others])] };
    this.#jobs.set(jobId, { sentAt: Date.now(), requests, ...guess });
    for (const request of given) this.#jobByRequest.set(request, jobId);
    return this.#save();
  }

  /** Removes a failed request, so that a retry sends it again. */
  forget(request: string): void {
    const jobId = this.#jobByRequest.get(request);
    if (jobId === undefined) return;
    this.#jobByRequest.delete(request);
    const requests = this.#jobs.get(jobId)?.requests;
    requests?.delete(request);
    if (requests?.size === 0) this.#jobs.delete(jobId);
    // If this write fails, the request fails once more after a restart; nothing is lost.
    this.#save().catch(() => {});
  }

  forgetJob(jobId: string): void {
    for (const request of this.#jobs.get(jobId)?.requests ?? []) {
      if (this.#jobByRequest.get(request) === jobId) this.#jobByRequest.delete(request);
    }
    if (this.#jobs.delete(jobId)) this.#save().catch(() => {});
  }

  /**
   * Removes the requests from a job that are not in it, as its results show. Returns them, and the other
   * jobs that they may be in.
   */
  endGuess(
    jobId: string,
    present: ReadonlySet<string>,
  ): { readonly missing: readonly string[]; readonly others: readonly string[] } {
    const job = this.#jobs.get(jobId);
    if (job === undefined) return { missing: [], others: [] };
    const { sentAt, requests, others = [] } = job;
    const missing = [...requests].filter((request) => !present.has(request));
    this.#jobs.set(jobId, { sentAt, requests });
    for (const request of missing) this.forget(request);
    return { missing, others };
  }

  /** Writes one after the other. A queued write includes all changes until it begins. */
  #save(): Promise<void> {
    this.#queued ??= this.#saving.then(() => {
      this.#queued = undefined;
      const writing = this.#write();
      this.#saving = writing.catch(() => {});
      return writing;
    });
    return this.#queued;
  }

  /** Replaces the file as a whole: a crash leaves the old content. */
  async #write(): Promise<void> {
    const { rename, writeFile } = await import('node:fs/promises');
    const jobs = written(this.#jobs);
    const sending = this.#sending.size === 0 ? undefined : written(this.#sending);
    const draft = `${this.#file}.draft`;
    await writeFile(draft, JSON.stringify({ version: VERSION, jobs, sending }), { mode: 0o600 });
    await rename(draft, this.#file);
  }
}

function recent(jobs: Readonly<Record<string, WrittenJob>>): Map<string, KnownJob> {
  const known = new Map<string, KnownJob>();
  for (const [name, { sentAt, requests, others }] of Object.entries(jobs)) {
    if (Date.now() - sentAt >= MAX_AGE_MS) continue;
    known.set(name, { sentAt, requests: new Set(requests), ...(others && { others }) });
  }
  return known;
}

function written(jobs: ReadonlyMap<string, KnownJob>): Record<string, WrittenJob> {
  const data: Record<string, WrittenJob> = {};
  for (const [name, job] of jobs) data[name] = { ...job, requests: [...job.requests] };
  return data;
}

function parse(text: string, file: string): Written {
  const data = parsed(text) as ({ version?: unknown } & Partial<Written>) | undefined;
  const { version, jobs, sending = {} } = data ?? {};
  if (version === VERSION && areJobs(jobs) && areJobs(sending)) return { jobs, sending };
  const message = `the stateFile ${file} is damaged or has another version; move it away to start with a new one`;
  throw new RunnerError('invalid_request', message);
}

function areJobs(value: unknown): value is Written['jobs'] {
  return typeof value === 'object' && value !== null && Object.values(value).every(isWrittenJob);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isWrittenJob(value: unknown): value is WrittenJob {
  const { sentAt, requests, others = [] } = (value ?? {}) as Partial<WrittenJob>;
  return Number.isFinite(sentAt) && Array.isArray(requests) && Array.isArray(others);
}

/**
 * Locks the file until this process ends.
 *
 * @throws {RunnerError} when another process has the lock.
 */
async function lock(file: string): Promise<void> {
  const { mkdir } = await import('node:fs/promises');
  const { dirname } = await import('node:path');
  await mkdir(dirname(file), { recursive: true });
  const { holder } = await lockFile(file);
  if (holder === undefined || holder === process.pid) return;
  throw new RunnerError('invalid_request', `the stateFile ${file} is used by process ${holder}`);
}
