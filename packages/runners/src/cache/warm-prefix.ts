import type { RunContext, TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';
import {
  checkDuration,
  checkLimit,
  checkOptions,
  deriveContext,
  OptionError,
} from '@stratagem/core/runner';
import { orAborted } from '../util/abort.js';
import { forwardClock } from '../util/forward-clock.js';
import { sha256 } from '../util/sha256.js';
import { checkRunner, propertiesOf } from '../util/wrapped.js';

export interface WarmPrefixOptions {
  /**
   * How many leading characters two prompts must share to use one cache entry. Shorter prompts never
   * wait. Providers cache prompts from about 1,024 tokens on, which is 4,096 characters of English.
   * @default 4_096
   */
  readonly prefixLength?: number | undefined;
  /**
   * Returns the part of the prompt that a request shares with others; undefined when it shares none.
   * @default the first `prefixLength` characters of the prompt
   */
  readonly prefix?: (request: TaskRequest) => string | undefined;
  /**
   * When the other requests may follow: when the first one begins to respond (`'first_output'`), or
   * when it has completed (`'answer'`).
   * @default 'first_output'
   */
  readonly until?: 'first_output' | 'answer' | undefined;
  /**
   * How long a prefix stays in the provider's cache after its last use, in milliseconds.
   * @default 300_000
   */
  readonly ttlMs?: number | undefined;
}

/** The state of one prefix. */
interface Prefix {
  warmUntil: number;
  /** Resolves when the first request has warmed the prefix or failed; undefined when none runs. */
  warming: Promise<void> | undefined;
}

/** Above this number of prefixes, cold ones are removed. */
const MAX_PREFIXES = 1_000;

/**
 * Sends one request first when several begin with the same long text. The others follow as soon as
 * the provider has that text in its prompt cache, where it costs a fraction of the price. When the
 * first request fails, the next one goes first.
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
  const now = forwardClock();
  const isWarm = ({ warmUntil }: Prefix) => now() < warmUntil;

  return {
    ...propertiesOf(runner),
    async run(request, context) {
      const text = prefixOf(request);
      if (text === undefined) return runner.run(request, context);
      // The hash, because the prefix itself would take up memory while it is warm.
      const prefix = stateOf(sha256(startOf(text, request)));
      const startedAt = performance.now();
      while (prefix.warming !== undefined && !isWarm(prefix)) {
        await orAborted(prefix.warming, context.signal);
      }
      const waitedMs = Math.round(performance.now() - startedAt);
      if (waitedMs > 0) {
        const message = `waited ${waitedMs} ms for the prompt cache`;
        context.emit({ kind: 'notice', source: 'warmPrefix', message });
      }
      if (!isWarm(prefix)) return warm(prefix, request, context);
      const response = await runner.run(request, context);
      prefix.warmUntil = now() + ttlMs;
      return response;
    },
  };

  function stateOf(key: string): Prefix {
    let prefix = prefixes.get(key);
    if (prefix === undefined) {
      if (prefixes.size >= MAX_PREFIXES) removeCold();
      prefix = { warmUntil: 0, warming: undefined };
      prefixes.set(key, prefix);
    }
    return prefix;
  }

  function removeCold(): void {
    for (const [key, prefix] of prefixes) {
      if (prefix.warming === undefined && !isWarm(prefix)) prefixes.delete(key);
    }
  }

  /** Sends the first request with this prefix; the others wait until it has warmed the cache. */
  async function warm(
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
      // A slow response may outlast the cache; another request may be warming the prefix by then.
      if (prefix.warming === warming) prefix.warming = undefined;
      resolve();
    };
    const markWarm = () => {
      prefix.warmUntil = now() + ttlMs;
      settle();
    };
    const watching = deriveContext(context, {
      ...(until === 'first_output' && { wantsText: true }),
      emit(part) {
        if (until === 'first_output' && isFromModel(part)) markWarm();
        return context.emit(part);
      },
    });
    try {
      const response = await runner.run(request, watching);
      markWarm();
      return response;
    } finally {
      settle();
    }
  }
}

/** Whether the part comes from the model. Notices of wrappers may come before its response. */
function isFromModel(part: Parameters<RunContext['emit']>[0]): boolean {
  return typeof part === 'string' || ['text', 'reasoning', 'step'].includes(part.kind);
}

/** Everything before the prefix in a request, and the prefix. */
function startOf(text: string, { options }: TaskRequest): string {
  if (options === undefined) return text;
  return JSON.stringify([options.model, options.instructions, text]);
}
