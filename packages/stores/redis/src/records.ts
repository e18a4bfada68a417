import type { EventData } from '@stratagem/core';
import { type Append, type EventRecord, eventOf } from '@stratagem/store-kit';
import type { ScriptCall, Server } from './server.js';

/** The limits of a page of events, so that reading does not fill the memory. */
const MAX_PAGE = 1_000;
const MAX_PAGE_SIZE = 2 ** 22;

/** What names a content in a record, before the event. */
const REFERENCE = /^([\w-]+) (\d+)\n/;

/** An event in the log: JSON, after the hash and the length of its content if it has one. */
function textOf({ event, content }: EventRecord): string {
  if (content === undefined) return event;
  return `${content.hash} ${content.text.length}\n${event}`;
}

/** The script that appends events of a run. */
export function appendCall({ runId, token, first, records, ...rest }: Append): ScriptCall {
  const contents = new Map<string, string>();
  const completions = new Map<string, string>();
  for (const [index, { content, contentKey }] of records.entries()) {
    if (content !== undefined) contents.set(content.hash, content.text);
    if (contentKey !== undefined) completions.set(contentKey, `${first + index} ${runId}`);
  }
  return [
    'append',
    ...[runId, token, first, records.length, rest.summary, rest.hasEnded ? 1 : 0],
    ...records.map(textOf),
    ...[contents.size, ...[...contents].flat()],
    ...[...completions].flat(),
  ];
}

/**
 * The events of a run.
 *
 * @param count The number of its events; those that were appended meanwhile are left out.
 * @throws {JournalError} `journal_corrupt` when one is missing.
 */
export async function* eventsOf(
  server: Server,
  runId: string,
  count: number,
): AsyncGenerator<EventData> {
  let limit = MAX_PAGE;
  for (let next = 0; next < count; ) {
    const to = Math.min(count, next + limit) - 1;
    const page = await server.command(runId, (client) =>
      client.lrange(`${server.keys}:log:${runId}`, next, to),
    );
    if (page.length === 0) throw missing(server, runId, next);
    yield* eventsOfPage(server, runId, next, page);
    next += page.length;
    const size = page.reduce((sum, each) => sum + each.length, 0);
    // Pages of about the same size.
    limit = Math.max(1, Math.min(MAX_PAGE, Math.floor((page.length * MAX_PAGE_SIZE) / size)));
  }
}

/** @throws {JournalError} `journal_corrupt` when it is missing. */
export async function eventAt(server: Server, runId: string, position: number): Promise<EventData> {
  const record = await server.command(runId, (client) =>
    client.lindex(`${server.keys}:log:${runId}`, position),
  );
  if (record === null) throw missing(server, runId, position);
  for await (const event of eventsOfPage(server, runId, position, [record])) return event;
  throw missing(server, runId, position);
}

/** Reads the contents of some events at once, until they are large enough. */
async function* eventsOfPage(
  server: Server,
  runId: string,
  first: number,
  page: readonly string[],
): AsyncGenerator<EventData> {
  for (let from = 0; from < page.length; ) {
    const hashes: string[] = [];
    let size = 0;
    let to = from;
    for (; to < page.length && size < MAX_PAGE_SIZE; to++) {
      const [, hash, length] = REFERENCE.exec(page[to] as string) ?? [];
      if (hash === undefined) continue;
      hashes.push(`${server.keys}:content:${hash}`);
      size += Number(length);
    }
    const texts =
      hashes.length === 0 ? [] : await server.command(runId, (client) => client.mget(hashes));
    for (; from < to; from++) {
      const record = page[from] as string;
      const [reference] = REFERENCE.exec(record) ?? [];
      const text = reference === undefined ? null : (texts.shift() ?? null);
      if (reference !== undefined && text === null) throw missing(server, runId, first + from);
      yield eventOf(record.slice(reference?.length ?? 0), text);
    }
  }
}

function missing(server: Server, runId: string, position: number): Error {
  return server.corrupt(`event ${position} of run "${runId}" is missing`, runId);
}
