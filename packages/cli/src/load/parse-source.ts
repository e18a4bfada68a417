import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import { type SourceProblem, SourceTree } from './source-tree.js';

/** A file's text, taken apart: either a tree of values or what is wrong with its syntax. */
export type ParsedSource = { readonly lines: LineCounter } & (
  | { readonly tree: SourceTree; readonly problems?: undefined }
  | { readonly tree?: undefined; readonly problems: readonly SourceProblem[] }
);

/** Reads YAML, of which JSON is a part. */
export function parseSource(text: string): ParsedSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Whatever a %YAML directive says: "no" and 12:30 are text.
    schema: 'core',
    // The tree finds equal keys, in linear time.
    uniqueKeys: false,
  });
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) return { lines, problems: syntaxProblems(text, errors, lines) };
  if (document.contents === null) {
    return { lines, problems: [{ offset: 0, message: 'the file is empty; it must hold a plan' }] };
  }
  return { lines, tree: new SourceTree(document) };
}

function syntaxProblems(
  text: string,
  errors: readonly YAMLError[],
  lines: LineCounter,
): SourceProblem[] {
  const ofJson = jsonProblem(text);
  if (ofJson !== undefined) return [ofJson];
  // One slip of the pen gives several errors; the first of a line says what it was.
  const firsts = new Map<number, SourceProblem>();
  for (const error of errors) {
    const offset = error.pos[0];
    const { line } = lines.linePos(offset);
    if (!firsts.has(line)) firsts.set(line, { offset, message: explain(error) });
  }
  return [...firsts.values()];
}

/** What JSON's own parser says about a text that looks like JSON, when it says where. */
function jsonProblem(text: string): SourceProblem | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const [, what, offset] = /^(.*) in JSON at position (\d+)/.exec((error as Error).message) ?? [];
    if (what === undefined) return undefined;
    return { offset: Number(offset), message: `not valid JSON: ${what}` };
  }
}

/** The library's words, and what to do about the mistakes that everybody makes. */
function explain({ code, message }: YAMLError): string {
  switch (code) {
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; the file should hold one plan';
    case 'RESOURCE_EXHAUSTION':
      return 'the values are nested too deeply';
    case 'TAG_RESOLVE_FAILED':
      return `${message}; a plan has no tags`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return `not valid YAML: ${message}. Text with ": " in it needs quotes.`;
    case 'BAD_SCALAR_START':
      return `not valid YAML: ${message}. Put the text in quotes.`;
    case 'TAB_AS_INDENT':
      return `not valid YAML: ${message}. Use spaces.`;
    default:
      return `not valid YAML or JSON: ${message}`;
  }
}
