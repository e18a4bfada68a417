import { isRecord } from '../util/record.js';

/** A page or a document that a tool of the provider found or opened. */
export interface ServerToolSource {
  readonly url?: string | undefined;
  readonly title?: string | undefined;
}

/** A file that code wrote in a container of the provider. */
export interface ServerToolFile {
  /** The provider's id of the file, to load it with. */
  readonly id?: string | undefined;
  readonly filename?: string | undefined;
  readonly url?: string | undefined;
  /** The container that the file is in. */
  readonly containerId?: string | undefined;
}

/** A call of a tool that the provider ran itself. The same for all providers. */
export interface ServerToolCall {
  /** `web_search`, `code_execution`, or the provider's name of another tool. */
  readonly tool: string;
  /** What was searched for. */
  readonly queries?: readonly string[] | undefined;
  /** What was found or opened, whether or not the answer cites it. */
  readonly sources?: readonly ServerToolSource[] | undefined;
  /** The code or the command that ran. */
  readonly code?: string | undefined;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly files?: readonly ServerToolFile[] | undefined;
  /** Why the call failed, in the provider's words. */
  readonly error?: string | undefined;
}

/** Longer texts and lists are cut. */
const MAX_CHARACTERS = 100_000;
const MAX_ITEMS = 1_000;

/** The calls in a value from outside, with their own fields alone; undefined for none. */
export function serverToolCallsOf(value: unknown): readonly ServerToolCall[] | undefined {
  const calls = listOf(value, (each) => {
    const [named] = textsIn(each, ['tool']);
    if (named === undefined) return undefined;
    const { exitCode } = each;
    const lists = [
      ['queries', listOf(each.queries, textOf)],
      ['sources', listOf(each.sources, itemOf(['url', 'title']))],
      ['files', listOf(each.files, itemOf(['id', 'filename', 'url', 'containerId']))],
    ].filter(([, list]) => list !== undefined);
    return Object.freeze({
      ...Object.fromEntries([
        named,
        ...textsIn(each, ['code', 'stdout', 'stderr', 'error']),
        ...lists,
      ]),
      ...(Number.isInteger(exitCode) && { exitCode }),
    }) as ServerToolCall;
  });
  return calls;
}

type Fields = Readonly<Record<string, unknown>>;

function listOf<T>(
  value: unknown,
  read: (each: Fields & string) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const found: T[] = [];
  for (const each of value) {
    if (found.length >= MAX_ITEMS) break;
    const item = isRecord(each) || typeof each === 'string' ? read(each as never) : undefined;
    if (item !== undefined) found.push(item);
  }
  return found.length === 0 ? undefined : Object.freeze(found);
}

function itemOf(names: readonly string[]) {
  return (value: Fields) => {
    const texts = textsIn(value, names);
    return texts.length === 0 ? undefined : Object.freeze(Object.fromEntries(texts));
  };
}

function textsIn(value: Fields, names: readonly string[]): [string, string][] {
  return names.flatMap((name) => {
    const text = textOf(value[name]);
    return text === undefined ? [] : [[name, text]];
  });
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const left = value.length - MAX_CHARACTERS;
  return left <= 0 ? value : `${value.slice(0, MAX_CHARACTERS)}\n[${left} more characters]`;
}
