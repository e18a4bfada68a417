import type { Citation, ServerToolCall, ServerToolFile } from '@stratagem/core';
import {
  citationsOf,
  definedFields,
  readServerToolCall,
  serverToolCallsOf,
} from '@stratagem/core/runner';
import type { TextStreamPart, ToolSet } from 'ai';

type TextEnd = Extract<TextStreamPart<ToolSet>, { type: 'text-end' }>;

/** A source as the SDK reports it, of any type. */
interface Source {
  readonly url?: string | undefined;
  readonly title?: string | undefined;
  readonly filename?: string | undefined;
  readonly providerMetadata?: unknown;
}

/** A call of a tool that the provider runs, its result or its error. */
interface OwnPart {
  readonly type: 'tool-call' | 'tool-result' | 'tool-error';
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** The calls of the provider's own tools in all steps, and the sources of the last answer. */
export class OwnTools {
  readonly #calls = new Map<string, { tool: string; input: unknown; result?: unknown }>();
  readonly #files: ServerToolFile[] = [];
  /** Those of searches, too, where the package does not tell them apart. */
  #sources: Citation[] = [];
  #citations: Citation[] = [];
  /** The number of calls before this answer. */
  #callsBefore = 0;

  /** Begins another answer. */
  reset(): void {
    this.#sources = [];
    this.#citations = [];
    this.#callsBefore = this.#calls.size;
  }

  addSource(source: Source): void {
    if (!this.#addFile(source)) this.#sources.push(sourceOf(source));
  }

  /** @param text The answer so far, in which this part of the text begins at `offset`. */
  addCitations({ citations = [] }: TextEnd, text: string, offset: number): void {
    for (const { source, startIndex, endIndex, citedText } of citations) {
      if (this.#addFile(source)) continue;
      const isPlace = startIndex !== undefined && endIndex !== undefined;
      const start = offset + (isPlace ? startIndex : 0);
      const end = isPlace ? offset + endIndex : text.length;
      const quote = citedText ?? (isPlace ? text.slice(start, end) : undefined);
      this.#citations.push({ ...sourceOf(source), quote, start, end });
    }
  }

  addCall(part: OwnPart): void {
    const { toolCallId: id, toolName: tool, input } = part;
    const call = this.#calls.get(id) ?? { tool, input };
    const result = part.output ?? (part.error === undefined ? undefined : { error: part.error });
    this.#calls.set(id, part.type === 'tool-call' ? call : { ...call, result });
  }

  /**
   * Adds the searches of Google, which its package reports beside the answer: the queries, the pages that
   * were found, and which parts of the answer are based on which of them.
   */
  addGrounding({ providerMetadata }: { readonly providerMetadata?: unknown }, text: string): void {
    for (const own of Object.values(Object(providerMetadata))) {
      const { webSearchQueries: queries, groundingChunks, groundingSupports } = groundingIn(own);
      const pages = listOf(groundingChunks).map((chunk) => Object(Object(chunk).web) as Page);
      if (listOf(queries).length === 0 && !pages.some(({ uri }) => uri)) continue;
      const ids = [...this.#calls.keys()].slice(this.#callsBefore);
      const known = ids.findLast((id) => SEARCHES.includes(this.#calls.get(id)?.tool ?? ''));
      const call = this.#calls.get(known ?? '') ?? { tool: SEARCHES[0], input: { queries } };
      const id = known ?? `search ${this.#calls.size}`;
      this.#calls.set(id, { ...call, result: { sources: pages } });
      for (const support of listOf(groundingSupports)) {
        const { segment, groundingChunkIndices: indices } = Object(support) as Support;
        for (const index of listOf(indices)) {
          const { uri: url, title } = pages[Number(index)] ?? {};
          if (url !== undefined) this.#citations.push({ url, title, ...placeOf(segment, text) });
        }
      }
    }
  }

  get citations(): readonly Citation[] | undefined {
    return citationsOf(this.#citations.length > 0 ? this.#citations : this.#sources);
  }

  get calls(): readonly ServerToolCall[] | undefined {
    const calls = [...this.#calls.values()].map(({ tool, input, result }) =>
      readServerToolCall(tool, input, result),
    );
    if (this.#files.length === 0) return serverToolCallsOf(calls);
    const last = calls.findLastIndex(({ tool }) => tool === 'code_execution');
    const code = calls[last] ?? { tool: 'code_execution' };
    const withFiles = { ...code, files: [...(code.files ?? []), ...this.#files] };
    return serverToolCallsOf(last < 0 ? [...calls, withFiles] : calls.with(last, withFiles));
  }

  /** Whether a source is a file that code left. It is reported once or twice. */
  #addFile(source: Source): boolean {
    const file = fileOf(source);
    if (file === undefined) return false;
    if (!this.#files.some(({ id }) => id === file.id)) this.#files.push(file);
    return true;
  }
}

/** The names of searches in the package of Google. */
const SEARCHES: readonly [string, ...string[]] = ['web_search', 'server:GOOGLE_SEARCH_WEB'];

interface Page {
  readonly uri?: string | undefined;
  readonly title?: string | undefined;
}

interface Support {
  readonly segment?: unknown;
  readonly groundingChunkIndices?: unknown;
}

function groundingIn(own: unknown): Readonly<Record<string, unknown>> {
  return Object(Object(own).groundingMetadata);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Google counts in bytes, and within one of several parts of a text. */
function placeOf(segment: unknown, text: string): Pick<Citation, 'quote' | 'start' | 'end'> {
  const { text: quote, startIndex = 0 } = Object(segment) as Record<string, unknown>;
  if (typeof quote !== 'string' || quote === '') return {};
  const bytes = new TextEncoder().encode(text).subarray(0, Number(startIndex));
  const counted = new TextDecoder().decode(bytes).length;
  const start = text.startsWith(quote, counted) ? counted : text.indexOf(quote);
  return start < 0 ? { quote } : { quote, start, end: start + quote.length };
}

function sourceOf({ url, title, filename }: Source): Citation {
  return { url, title: title ?? filename };
}

/** A file that code left, which OpenAI's package reports as a source. */
function fileOf({ title, filename, providerMetadata }: Source): ServerToolFile | undefined {
  const { openai, azure } = Object(providerMetadata) as Record<string, unknown>;
  const { type, fileId: id, containerId } = Object(openai ?? azure) as Record<string, string>;
  if (type !== 'container_file_citation') return undefined;
  return definedFields({ id, containerId, filename: filename ?? title });
}
