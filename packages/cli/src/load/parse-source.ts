import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import { type SourceProblem, SourceTree } from './source-tree.js';

/** A parsed file: either a tree of values or its syntax errors. */
export type ParsedSource = { readonly lines: LineCounter } & (
  | { readonly tree: SourceTree; readonly problems?: undefined }
  | { readonly tree?: undefined; readonly problems: readonly SourceProblem[] }
);

/** Parses YAML or JSON, which is a subset of YAML. */
export function parseSource(text: string): ParsedSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Not even a %YAML directive turns "no" into false or 12:30 into a number.
    schema: 'core',
    // The tree finds duplicate keys, in linear time.
    uniqueKeys: false,
  });
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) return { lines, problems: syntaxProblems(text, errors, lines) };
  if (document.contents === null) {
    return { lines, problems: [{ offset: 0, message: 'the file is empty' }] };
  }
  return { lines, tree: new SourceTree(document) };
}

function syntaxProblems(
  text: string,
  errors: readonly YAMLError[],
  lines: LineCounter,
): SourceProblem[] {
  const jsonError = jsonProblem(text);
  if (jsonError !== undefined) return [jsonError];
  // One mistake often causes several errors in its line; only the first one helps.
  const firsts = new Map<number, SourceProblem>();
  for (const error of errors) {
    const offset = error.pos[0];
    const { line } = lines.linePos(offset);
    if (!firsts.has(line)) firsts.set(line, { offset, message: explainSyntaxError(error) });
  }
  return [...firsts.values()];
}

/** The error of the JSON parser, for text that looks like JSON, if it has a position. */
function jsonProblem(text: string): SourceProblem | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const [, reason, offset] =
      /^(.*) in JSON at position (\d+)/.exec((error as Error).message) ?? [];
    if (reason === undefined) return undefined;
    return { offset: Number(offset), message: `invalid JSON: ${reason}` };
  }
}

/** Adds the remedy to the parser's message for common mistakes. */
function explainSyntaxError({ code, message }: YAMLError): string {
  switch (code) {
    case 'MULTIPLE_DOCS':
      return 'a second YAML document starts here; a file must contain only one';
    case 'RESOURCE_EXHAUSTION':
      return 'values are nested too deeply';
    case 'TAG_RESOLVE_FAILED':
      return `${message}; YAML tags are not supported`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return `invalid YAML: ${message}. Put text that contains ": " in quotes.`;
    case 'BAD_SCALAR_START':
      return `invalid YAML: ${message}. Put the text in quotes.`;
    case 'TAB_AS_INDENT':
      return `invalid YAML: ${message}. Indent with spaces.`;
    default:
      return `invalid YAML or JSON: ${message}`;
  }
}
