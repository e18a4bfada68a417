import { OptionError, type ValueCodec } from '@stratagem/core';
import { checkDuration, checkLimit, checkOptions } from '@stratagem/core/journal';
import type { WorkerCarrierOptions } from '@stratagem/core/kernel';
import { withoutCommand } from './errors.js';

/** Which queue to use, and where. Coordinators and workers with equal options work together. */
export interface EngineOptions {
  /**
   * `postgres://user@host:5432/database` or `redis://host:6379` (`rediss://` with TLS; Valkey is the
   * same). What a PostgreSQL URL leaves out comes from `PGHOST`, `PGUSER`, `PGPASSWORD` and the like; the
   * password of Redis from `REDISCLI_AUTH`.
   */
  readonly url: string;
  /**
   * The name of the queue: at most 40 letters, digits, `_` and `-`. Queues of different names have
   * nothing in common.
   * @default 'stratagem'
   */
  readonly queue?: string | undefined;
  /** Called when the server cannot be reached or refuses something; it is tried again. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** The cap of one resource, over all machines. */
export interface ResourceCap {
  /** The maximum number of attempts at once. */
  readonly maxParallel: number;
}

export interface BullmqCarrierOptions extends EngineOptions {
  /**
   * Caps of resources (usually provider and model) over all workers and all runs. Each such resource
   * has a queue of its own, which every worker finds by itself. The last carrier that sets a cap wins.
   * @default no caps over all machines; those of a run or an executor hold as always
   *
   * @example
   * resources: { 'openai/gpt-5': { maxParallel: 8 } }
   */
  readonly resources?: Readonly<Record<string, ResourceCap>> | undefined;
  /**
   * How often to look for attempts that the queue has lost, in milliseconds.
   * @default 1_000
   */
  readonly sweepMs?: number | undefined;
  /** As in the options of the executor. */
  readonly codecs?: readonly ValueCodec[] | undefined;
}

export interface ServeAttemptsOptions extends EngineOptions, WorkerCarrierOptions {
  /**
   * The maximum number of attempts at once in this process.
   * @default 16
   */
  readonly concurrency?: number | undefined;
  /**
   * How long this process may be silent before another worker takes its attempts over, in milliseconds.
   * It must be longer than any computation that blocks the event loop.
   * @default 15_000
   */
  readonly lockMs?: number | undefined;
  /** The name of this worker in dashboards such as bull-board. */
  readonly name?: string | undefined;
}

/** The options of both sides with every default filled in. */
export interface EngineSettings {
  readonly url: string;
  readonly queue: string;
  readonly onError: (error: Error) => void;
}

const ENGINE = ['url', 'queue', 'onError'];
const CARRIER = [...ENGINE, 'resources', 'sweepMs', 'codecs'];
const RUNS = ['runner', 'runners', 'tools', 'commands', 'plans', 'codecs', 'instrumentation'];
const WORKER = [...ENGINE, ...RUNS, 'concurrency', 'lockMs', 'name'];
const NAME = /^[\w-]{1,40}$/;
/** A lock is renewed in time even on a slow server. */
const MIN_LOCK_MS = 300;

export interface CarrierSettings extends EngineSettings {
  readonly caps: ReadonlyMap<string, number>;
  readonly sweepMs: number;
  readonly codecs: readonly ValueCodec[];
}

export interface WorkerSettings extends EngineSettings {
  readonly concurrency: number;
  readonly lockMs: number;
  readonly name: string | undefined;
  readonly work: WorkerCarrierOptions;
}

/** @throws {OptionError} when an option is unknown, missing or out of range. */
export function carrierSettings(owner: string, options: BullmqCarrierOptions): CarrierSettings {
  checkOptions(owner, options, CARRIER);
  const { resources = {}, sweepMs = 1_000, codecs = [] } = options;
  checkDuration(owner, 'sweepMs', sweepMs);
  if (typeof resources !== 'object' || resources === null) {
    throw new OptionError(`${owner}: resources must be an object of caps by name`);
  }
  const caps = new Map<string, number>();
  for (const [name, cap] of Object.entries(resources)) {
    const at = `${owner}: resources["${name}"]`;
    checkOptions(at, cap, ['maxParallel']);
    checkLimit(at, 'maxParallel', cap.maxParallel);
    caps.set(name, cap.maxParallel);
  }
  return { ...engineSettings(owner, options), caps, sweepMs, codecs };
}

/** @throws {OptionError} when an option is unknown, missing or out of range. */
export function workerSettings(owner: string, options: ServeAttemptsOptions): WorkerSettings {
  checkOptions(owner, options, WORKER);
  const { runner, runners, tools, commands, plans, codecs, name, instrumentation } = options;
  const { concurrency = 16, lockMs = 15_000 } = options;
  checkLimit(owner, 'concurrency', concurrency);
  checkDuration(owner, 'lockMs', lockMs);
  if (lockMs < MIN_LOCK_MS) {
    throw new OptionError(`${owner}: lockMs must be at least ${MIN_LOCK_MS}; it is ${lockMs}`);
  }
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new OptionError(`${owner}: name must be a text`);
  }
  const work = { runner, runners, tools, commands, plans, codecs, instrumentation };
  return { ...engineSettings(owner, options), concurrency, lockMs, name, work };
}

function engineSettings(owner: string, options: EngineOptions): EngineSettings {
  const { url, queue = 'stratagem', onError = () => {} } = options;
  checkUrl(owner, url);
  if (typeof queue !== 'string' || !NAME.test(queue)) {
    throw new OptionError(
      `${owner}: queue must have 1 to 40 letters, digits, "_" and "-"; it is ${String(queue)}`,
    );
  }
  if (typeof onError !== 'function') {
    throw new OptionError(`${owner}: onError must be a function`);
  }
  return { url, queue, onError: (error) => onError(withoutCommand(error)) };
}

/** Without the URL in its message, because that may have a password. */
function checkUrl(owner: string, url: unknown): void {
  const isText = typeof url === 'string' && URL.canParse(url);
  if (isText && /^(postgres(ql)?|rediss?|valkeys?):\/\//.test(url)) return;
  throw new OptionError(
    `${owner}: url must look like postgres://user:password@host:5432/database or redis://host:6379, with special characters of the password encoded, such as %40 for @`,
  );
}

/** Whether the engine is PostgreSQL; otherwise it is Redis. */
export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:/.test(url);
}

/** The server for messages, without the password. */
export function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  const host = hostname || process.env.PGHOST || 'localhost';
  const usual = isPostgres(url) ? process.env.PGPORT || '5432' : '6379';
  const what = isPostgres(url) ? 'PostgreSQL' : 'Redis';
  return `${what} at ${host}:${port || usual}${pathname === '/' ? '' : pathname}`;
}
