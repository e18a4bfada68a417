import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isStratagemError, type TaskRunner } from '@stratagem/core';
import { isServer } from './journal-place.js';
import type { MapFlags } from './map-flags.js';
import { UsageError } from './usage-error.js';

/**
 * The runner over the Batch API of the provider; undefined without `--batch`. Jobs are recorded beside the
 * journal, so that the same command finds them again.
 *
 * @throws {UsageError} where there is no such API.
 */
export async function resolveBatch(
  { batch, batchPoll, runner, model, baseUrl, replay, journal }: MapFlags,
  mapId: string,
): Promise<TaskRunner | undefined> {
  if (!batch) {
    if (batchPoll === undefined) return undefined;
    throw new UsageError('--batch-poll has no effect without --batch: remove it');
  }
  if (replay !== undefined) throw new UsageError('--batch has no effect with --replay: remove it');
  if (runner !== 'openai' && runner !== 'anthropic') {
    throw new UsageError('--batch needs a provider with a Batch API: --runner openai or anthropic');
  }
  const stateFile = stateFileOf(journal, mapId);
  const options = {
    ...(model !== undefined && { model }),
    ...(baseUrl !== undefined && { baseURL: baseUrl }),
    ...(batchPoll !== undefined && { pollMs: batchPoll }),
    ...(stateFile !== undefined && { stateFile }),
  };
  try {
    return runner === 'openai'
      ? (await import('@stratagem/openai')).openaiBatch(options)
      : (await import('@stratagem/anthropic')).anthropicBatch(options);
  } catch (error) {
    if (!isStratagemError(error)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

/** A journal on a server has no folder: then the jobs are recorded in the current one. */
function stateFileOf(journal: string | undefined, mapId: string): string | undefined {
  if (journal === undefined) return undefined;
  const folder = isServer(journal) ? '.' : journal;
  mkdirSync(folder, { recursive: true });
  return join(folder, `${mapId}.batches.json`);
}
