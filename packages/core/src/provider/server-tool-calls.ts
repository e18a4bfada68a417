import type {
  ServerToolCall,
  ServerToolFile,
  ServerToolSource,
} from '../contract/server-tool-call.js';
import { isRecord } from '../util/record.js';
import { definedFields } from './defined-fields.js';

/**
 * Reads a call of a tool that a provider ran itself. The fields have the same meaning under the names of
 * all providers: `query` and `queries`, `stdout`, `logs` and `output`, `return_code` and `exitCode`, …
 *
 * @param name The provider's name of the tool.
 * @param input The input of the call.
 * @param result The result of the call; undefined when none has arrived.
 */
export function readServerToolCall(name: string, input: unknown, result: unknown): ServerToolCall {
  const tool = NAMES.get(name) ?? name;
  const [asked, found] = [fieldsOf(input), fieldsOf(result)];
  const action = fieldsOf(found.action ?? asked.action);
  const outputs = [found.outputs, found.content, result].find(Array.isArray) ?? [];
  const isCode = tool === 'code_execution';
  const details = definedFields({
    queries: firstList([asked, action], ['queries', 'query'], textOf),
    sources: isCode ? undefined : sourcesOf(result, found, action),
    ...(isCode && {
      code: codeOf(asked),
      stdout: textIn(found, ['stdout', 'output', 'encrypted_stdout']) ?? logsOf(outputs),
      stderr: textIn(found, ['stderr']),
      exitCode: [found.return_code, found.returnCode, found.exit_code, found.exitCode].find(
        Number.isInteger,
      ) as number | undefined,
      files: filesOf(outputs, textIn(found, ['container_id', 'containerId'])),
    }),
    error: errorOf(found),
  });
  return { tool, ...details };
}

/** The names of providers for the tools that have a common one. */
const NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    web_search: 'web_search_preview google_search browser_search search server:GOOGLE_SEARCH_WEB',
    code_execution: 'code_interpreter bash_code_execution text_editor_code_execution python',
  }).flatMap(([name, others]) => others.split(' ').map((other) => [other, name] as const)),
);

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textIn(fields: Fields, names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = textOf(fields[name]);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The first field that is a list with something to read, or a single value. */
function firstList<T>(
  places: readonly Fields[],
  names: readonly string[],
  read: (value: unknown) => T | undefined,
): T[] | undefined {
  for (const place of places) {
    for (const name of names) {
      const given = place[name];
      const values = (Array.isArray(given) ? given : [given]).flatMap((each) => read(each) ?? []);
      if (values.length > 0) return values;
    }
  }
  return undefined;
}

/** The code itself, the command of a shell, or the request to an editor of files. */
function codeOf(asked: Fields): string | undefined {
  if (textOf(asked.path) !== undefined) return JSON.stringify(asked);
  return textIn(asked, ['code', 'command']);
}

function logsOf(outputs: readonly unknown[]): string | undefined {
  const logs = outputs.flatMap((each) => textOf(fieldsOf(each).logs) ?? []);
  return logs.length === 0 ? undefined : logs.join('\n');
}

function filesOf(
  outputs: readonly unknown[],
  containerId: string | undefined,
): ServerToolFile[] | undefined {
  const files = outputs.flatMap((each) => {
    const fields = fieldsOf(each);
    const [id, url] = [textIn(fields, ['file_id', 'fileId']), textOf(fields.url)];
    if ((id ?? url) === undefined) return [];
    return definedFields({ id, filename: textOf(fields.filename), url, containerId });
  });
  return files.length === 0 ? undefined : files;
}

function sourcesOf(result: unknown, found: Fields, action: Fields): ServerToolSource[] | undefined {
  const listed = firstList([{ result }], ['result'], sourceOf);
  if (Array.isArray(result) || listed === undefined) {
    const names = ['sources', 'results', 'search_results', 'content'];
    return listed ?? firstList([found, action], names, sourceOf) ?? opened(action);
  }
  return listed;
}

/** A page that the model opened. */
function opened(action: Fields): ServerToolSource[] | undefined {
  const source = sourceOf(action);
  return source && [source];
}

function sourceOf(value: unknown): ServerToolSource | undefined {
  const fields = fieldsOf(value);
  const url = textIn(fields, ['url', 'uri']);
  const title = textIn(fields, ['title', 'filename']);
  return (url ?? title) === undefined ? undefined : definedFields({ url, title });
}

/** The failure of a call. Providers give a code, a text, or an object with one of them. */
function errorOf(found: Fields): string | undefined {
  const { error, status, outcome } = found;
  const said =
    textIn(found, ['error_code', 'errorCode']) ??
    textOf(error) ??
    textIn(fieldsOf(error), ['message', 'code', 'type']);
  // Google's.
  if (typeof outcome === 'string' && !/^OUTCOME_(OK|UNSPECIFIED)$/.test(outcome)) return outcome;
  return said ?? (status === 'failed' || status === 'incomplete' ? String(status) : undefined);
}
