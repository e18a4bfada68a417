import { isRecord } from '@stratagem/core/runner';

/** Fields that arrive in pieces. The text of all other fields arrives whole. */
const IN_PIECES: ReadonlySet<string> = new Set([
  'reasoning',
  'reasoning_content',
  'summary',
  'text',
  'thinking',
  'thought',
]);

/**
 * Adds a piece of an assistant message to the message so far, and returns the message. Servers stream
 * fields of their own, which the next request must repeat: `reasoning_content`, `reasoning_details`,
 * signatures of thoughts. The message so far may change.
 */
export function mergeDelta(message: unknown, piece: unknown, field = ''): unknown {
  if (piece === undefined || piece === null || piece === '') return message;
  if (message === undefined || message === null) {
    return typeof piece === 'object' ? structuredClone(piece) : piece;
  }
  if (typeof message === 'string' && typeof piece === 'string') {
    return IN_PIECES.has(field) ? message + piece : piece;
  }
  if (Array.isArray(message) && Array.isArray(piece)) {
    for (const item of piece) mergeItem(message, item);
    return message;
  }
  if (!isRecord(message) || !isRecord(piece)) return piece;
  for (const [name, value] of Object.entries(piece)) {
    const merged = mergeDelta(message[name], value, name);
    if (merged !== undefined) setOwn(message, name, merged);
  }
  return message;
}

/** An item continues the one with its index; without an index, the last one if it has its type. */
function mergeItem(items: unknown[], item: unknown): void {
  if (!isRecord(item)) {
    items.push(item);
    return;
  }
  const last = items.at(-1);
  const known =
    item.index === undefined
      ? last
      : items.findLast((each) => isRecord(each) && each.index === item.index);
  const continues =
    isRecord(known) &&
    known.type === item.type &&
    known.index === item.index &&
    (known.id ?? item.id) === (item.id ?? known.id);
  if (continues) mergeDelta(known, item);
  else items.push(structuredClone(item));
}

/** A server may name a field `__proto__`. */
function setOwn(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
