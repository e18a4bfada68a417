import { describeOrigin } from '@stratagem/core/analysis';
import type { Fork } from '@stratagem/core/journal';
import type { RelatedRun } from './extras.js';

/** A fork of a run, for the page of that run. */
export function forkInWords({ runId, forkedFrom }: Fork): RelatedRun {
  return { runId, text: describeOrigin({ ...forkedFrom, runId: undefined }) };
}
