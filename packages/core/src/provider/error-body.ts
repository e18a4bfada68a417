/** The error that a server wrote into a body, in the shape that most of them use. */
export interface ErrorBody {
  /** Codes, types and reasons, the most specific first. */
  readonly codes: readonly unknown[];
  /** The words of the server. */
  readonly message: string | undefined;
  /** The fields of the error, and those beside it. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Reads the error in a body. Servers nest it in `error`, put it at the top, wrap it in a list, list it in
 * `errors`, or send a text alone.
 */
export function readErrorBody(body: unknown): ErrorBody {
  let inner: unknown = body;
  let fields: Record<string, unknown> = {};
  let codes: unknown[] = [];
  for (let depth = 0; depth < 4; depth++) {
    if (Array.isArray(inner)) [inner] = inner;
    if (typeof inner === 'string') return { codes, message: inner, fields };
    const { error, errors, ...own } = Object(inner) as Record<string, unknown>;
    const next = error ?? listOf(errors)[0];
    fields = { ...fields, ...own };
    codes = codesOf(own);
    if (next === undefined) break;
    inner = next;
  }
  return { codes, message: messageOf(Object(inner)), fields };
}

function codesOf(error: unknown): unknown[] {
  const { code, type, status, details } = Object(error) as Record<string, unknown>;
  const reasons = listOf(details).map((detail) => Object(detail).reason);
  const daily = listOf(details).some(isDailyQuota) ? ['quota_exceeded'] : [];
  return [...daily, Object(details).error_code, ...reasons, code, type, status].filter(
    (each) => typeof each === 'string' || typeof each === 'number',
  );
}

/** Google's, for a quota that a wait of minutes does not restore. */
function isDailyQuota(detail: unknown): boolean {
  const violations = listOf(Object(detail).violations);
  return violations.some((each) => /PerDay/.test(String(Object(each).quotaId ?? '')));
}

/** The names of the words of an error. A title says less than the others. */
const WORDS = [
  ...['message', 'detail', 'msg', 'status_msg', 'error_msg', 'error_message', 'errorMessage'],
  ...['Message', 'err', 'title'],
];

function messageOf(error: Record<string, unknown>): string | undefined {
  const own = wordsIn(error);
  // OpenRouter quotes the error of the server behind it.
  const raw = textOf(Object(error.metadata).raw);
  if (raw === undefined) return own;
  const quoted = readErrorText(raw);
  return own === undefined ? quoted : `${own}: ${quoted}`;
}

/** The words in a text that may be JSON. */
export function readErrorText(text: string): string {
  try {
    return readErrorBody(JSON.parse(text)).message ?? text;
  } catch {
    return text;
  }
}

function wordsIn(error: Record<string, unknown>): string | undefined {
  for (const name of WORDS) {
    const text = textOf(error[name]);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Some servers send a list of problems, or an object with the words. */
function textOf(message: unknown): string | undefined {
  if (typeof message === 'string') return message.trim() || undefined;
  if (typeof message !== 'object' || message === null) return undefined;
  const problems = Array.isArray(message) ? message : [message];
  const words = problems.flatMap((each) => wordsIn(Object(each)) ?? []);
  return words.length > 0 ? words.join('; ') : JSON.stringify(message);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Longer texts are cut: the whole body is in the cause. */
const MAX_LENGTH = 300;
/** A page may be long, and its title is at its beginning. */
const READ_LENGTH = 10_000;
const HTML = /<(!doctype|html|head|title|body|center|h1)\b/i;

/** The words of a server as they fit into a message: one line, the title of a page, at most 300 characters. */
export function shortenWords(text: string): string {
  const start = text.slice(0, READ_LENGTH);
  const line = (HTML.test(start) ? titleOf(start) : start).replace(/\s+/g, ' ').trim();
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH - 1)}…`;
}

function titleOf(html: string): string {
  const [, title] = /<title\b[^>]*>([^<]+)</i.exec(html) ?? /<h1\b[^>]*>([^<]+)</i.exec(html) ?? [];
  return title ?? html.replace(/<(script|style)\b.*?<\/\1>/gis, ' ').replace(/<[^>]*>/g, ' ');
}
