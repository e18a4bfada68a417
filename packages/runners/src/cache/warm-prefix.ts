import { createHash } from 'node:crypto';
import {
  checkDuration,
  checkLimit,
  checkOptions,
  deriveContext,
  OptionError,
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { checkRunner } from '../failover/composite.js';

export interface WarmPrefixOptions {
  /**
   * How many characters at the beginning of two prompts must be the same for them to share a cache
   * entry. Shorter prompts wait for nothing. Providers cache from about 1,024 tokens on, which is
   * 4,096 characters of English.
   * @default 4_096
   */
  readonly prefixLength?: number;
  /**
   * What a request has in common with others, for prompts whose shared part is known better;
   * undefined for one that shares nothing.
   * @default the first `prefixLength` characters of the prompt
   */
  readonly prefix?: (request: TaskRequest) => string | undefined;
  /**
   * When the others may follow: when the first begins to answer, or when it has answered.
   * @default 'first_output'
   */
  readonly until?: 'first_output' | 'answer';
  /**
   * How long a prefix is believed to stay in the provider's cache after its last use, in
   * milliseconds.
   * @default 300_000
   */
  readonly ttlMs?: number;
}

/** What is known of one prefix. */
interface Prefix {
  warmUntil: number;
  /** Resolves when the request that goes first has warmed it, or has failed to; gone from then on. */
  warming: Promise<void> | undefined;
}

/** Past this many prefixes, those that have gone cold are forgotten. */
const MANY = 1_000;

/**
 * Of requests that begin with the same long text, lets one go first; the others follow as soon as the
 * provider has that text in its prompt cache, and read it for a fraction of the price. When the first
 * fails, the next goes first.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = warmPrefix(anthropic({ cachePrompts: true }));
 */
export function warmPrefix(runner: TaskRunner, options: WarmPrefixOptions = {}): TaskRunner {
  checkRunner('warmPrefix()', 'its first argument', runner);
  checkOptions('warmPrefix()', options, ['prefixLength', 'prefix', 'until', 'ttlMs']);
  const { prefixLength = 4_096, until = 'first_output', ttlMs = 300_000 } = options;
  checkLimit('warmPrefix()', 'prefixLength', prefixLength);
  checkDuration('warmPrefix()', 'ttlMs', ttlMs);
  if (until !== 'first_output' && until !== 'answer') {
    const message = `until must be 'first_output' or 'answer'; it is ${String(until)}`;
    throw new OptionError(`warmPrefix(): ${message}`);
  }
  if (options.prefix !== undefined && typeof options.prefix !== 'function') {
    throw new OptionError('warmPrefix(): prefix must be a function');
  }
  const prefixOf =
    options.prefix ??
    (({ prompt }: TaskRequest) =>
      prompt.length < prefixLength ? undefined : prompt.slice(0, prefixLength));
  const prefixes = new Map<string, Prefix>();

  return {
    name: runner.name,
    ...(runner.resource !== undefined && { resource: runner.resource }),
    ...(runner.settings !== undefined && { settings: runner.settings }),
    supportsTools: runner.supportsTools ?? false,
    async run(request, context) {
      const text = prefixOf(request);
      if (text === undefined) return runner.run(request, context);
      const prefix = known(hashOf(text));
      const began = performance.now();
      while (prefix.warming !== undefined && !isWarm(prefix)) {
        await orAborted(prefix.warming, context.signal);
      }
      const waitedMs = Math.round(performance.now() - began);
      if (waitedMs > 0) {
        const message = `waited ${waitedMs} ms for the prompt cache`;
        context.emit({ kind: 'notice', source: 'warmPrefix', message });
      }
      if (!isWarm(prefix)) return lead(prefix, request, context);
      const answer = await runner.run(request, context);
      prefix.warmUntil = Date.now() + ttlMs;
      return answer;
    },
  };

  function known(key: string): Prefix {
    let prefix = prefixes.get(key);
    if (prefix === undefined) {
      if (prefixes.size >= MANY) forgetCold();
      prefix = { warmUntil: 0, warming: undefined };
      prefixes.set(key, prefix);
    }
    return prefix;
  }

  function forgetCold(): void {
    for (const [key, prefix] of prefixes) {
      if (prefix.warming === undefined && !isWarm(prefix)) prefixes.delete(key);
    }
  }

  async function lead(
    prefix: Prefix,
    request: TaskRequest,
    context: RunContext,
  ): Promise<TaskOutput> {
    let resolve = () => {};
    const warming = new Promise<void>((done) => {
      resolve = done;
    });
    prefix.warming = warming;
    const settle = () => {
      // A slow answer may outlast the cache: by then another one may be warming it.
      if (prefix.warming === warming) prefix.warming = undefined;
      resolve();
    };
    const warmed = () => {
      prefix.warmUntil = Date.now() + ttlMs;
      settle();
    };
    const watching = deriveContext(context, {
      emit(part) {
        if (until === 'first_output' && isFromModel(part)) warmed();
        return context.emit(part);
      },
    });
    try {
      const answer = await runner.run(request, watching);
      warmed();
      return answer;
    } finally {
      settle();
    }
  }
}

function isWarm({ warmUntil }: Prefix): boolean {
  return Date.now() < warmUntil;
}

/** Whether the model has begun to answer: what wrappers say comes before it. */
function isFromModel(part: Parameters<RunContext['emit']>[0]): boolean {
  return typeof part === 'string' || part.kind === 'text' || part.kind === 'step';
}

async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      const cause = signal.reason;
      reject(new RunnerError('aborted', 'the attempt was stopped', { cause }));
    };
  });
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** A long prefix would be held for as long as it is warm. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
