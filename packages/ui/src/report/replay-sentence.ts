import type { RunEvent } from '@stratagem/core';
import { type Alternative, findAlternatives } from '@stratagem/core/simulate';
import type { RunModel } from '../model/run-model.js';
import { duration } from '../view/format.js';

/** Larger runs are not replayed: a report should take a second, not a minute. */
const MOST_TASKS = 6_000;
/** A cause below this share of the time is not worth a sentence. */
const LEAST_SHARE = 0.02;
/** So much shorter an alternative must be. */
const LEAST_GAIN = 0.05;

/**
 * What the run would have taken otherwise, such as "With a limit of 24: about 1 m 02 s." Undefined when
 * nothing would have helped, or when the run cannot be replayed.
 */
export function replaySentence(
  { tasks, sums, now, isLive }: RunModel,
  events: readonly RunEvent[],
): string | undefined {
  const isWorth = (ms = 0) => ms > now * LEAST_SHARE;
  if (isLive || tasks.length > MOST_TASKS) return undefined;
  if (!isWorth(sums.cap) && !isWorth(sums.limit)) return undefined;
  const { replayMs, alternatives } = alternativesOf(events) ?? {};
  if (replayMs === undefined || alternatives === undefined) return undefined;
  const most = replayMs * (1 - LEAST_GAIN);
  const sentences: string[] = [];
  // The replay differs from the run: only the share that an alternative saves holds.
  const about = ({ makespanMs }: Alternative) => `about ${duration((makespanMs / replayMs) * now)}`;
  const limit = isWorth(sums.cap) ? bestLimit(alternatives, most) : undefined;
  if (limit !== undefined) {
    const cap =
      limit.maxParallel === null ? 'Without a limit' : `With a limit of ${limit.maxParallel}`;
    sentences.push(`${cap}: ${about(limit)}.`);
  }
  const free = alternatives.find(({ kind }) => kind === 'without_rate_limits');
  if (isWorth(sums.limit) && free !== undefined && free.makespanMs < most) {
    sentences.push(`Without rate limits: ${about(free)}.`);
  }
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

function alternativesOf(events: readonly RunEvent[]) {
  try {
    return findAlternatives(events);
  } catch {
    return undefined; // A damaged log, or a plan of another version.
  }
}

/** The smallest limit that is about as fast as the best one. */
function bestLimit(alternatives: readonly Alternative[], most: number): Alternative | undefined {
  const limits = alternatives
    .filter(({ kind, makespanMs }) => kind === 'max_parallel' && makespanMs < most)
    .sort((a, b) => (a.maxParallel ?? Infinity) - (b.maxParallel ?? Infinity));
  const best = Math.min(...limits.map(({ makespanMs }) => makespanMs));
  return limits.find(({ makespanMs }) => makespanMs <= best * (1 + LEAST_GAIN));
}
