import { shellQuote } from './shell-quote.js';

/** The ids that runs get unless somebody chose one: the first eight letters tell them apart. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

/** The id of a run for a command: the start of a random one is enough, and a whole one would wrap. */
export function shortId(runId: string): string {
  return UUID.test(runId) ? runId.slice(0, 8) : shellQuote(runId);
}
