import { createHash } from 'node:crypto';
import type { EventData, Json } from '@stratagem/core';

/** The field of each event type that may be large and repeated in many events. */
export const CONTENT_FIELDS: Readonly<Record<string, string>> = {
  task_completed: 'output',
  run_started: 'plan',
  task_output: 'data',
};
/** From this length on, a reference takes less space than a copy. */
export const MIN_CONTENT_LENGTH = 200;

/** An event as text. JSON writes lone surrogates and the character 0 as escapes, so every text is valid. */
export interface EventRecord {
  /** About how long its texts are. */
  readonly size: number;
  readonly event: string;
  /** Its largest field, by the SHA-256 of its text in base64url. */
  readonly content: { readonly hash: string; readonly text: string } | undefined;
  readonly contentKey: string | undefined;
}

export function recordOf(data: EventData): EventRecord {
  const field = CONTENT_FIELDS[data.type];
  const text = field === undefined ? undefined : JSON.stringify(data[field]);
  const { contentKey } = data;
  if (field === undefined || text === undefined || text.length < MIN_CONTENT_LENGTH) {
    const event = JSON.stringify(data);
    return { size: event.length, event, content: undefined, contentKey };
  }
  const event = JSON.stringify({ ...data, [field]: undefined });
  const hash = createHash('sha256').update(text).digest('base64url');
  return { size: event.length + text.length, event, content: { hash, text }, contentKey };
}

/** The event of a record, with the text of its content if it has one. */
export function eventOf(event: string, text: string | null): EventData {
  const data = JSON.parse(event) as EventData;
  const field = CONTENT_FIELDS[data.type];
  if (text === null || field === undefined) return data;
  return { ...data, [field]: JSON.parse(text) as Json };
}
