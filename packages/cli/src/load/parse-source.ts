import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import { JsonSource, syntaxErrorAt, tooDeepAt } from './json-source.js';
import { NESTED_TOO_DEEPLY, type Source, type SourceProblem } from './source.js';
import { YamlSource } from './yaml-source.js';

/** A parsed file: either its values or its syntax errors. */
export type ParsedSource = { readonly lines: LineCounter } & (
  | { readonly source: Source; readonly problems?: undefined }
  | { readonly source?: undefined; readonly problems: readonly SourceProblem[] }
);

/** YAML takes about a hundred times its size in memory, JSON only a few times. */
const MAX_YAML_LENGTH = 8_000_000;

/** Parses JSON or YAML. */
export function parseSource(given: string): ParsedSource {
  // The mark is no part of JSON, but editors write it. A space keeps all offsets.
  const text = given.startsWith('\ufeff') ? ` ${given.slice(1)}` : given;
  const json = /^\s*[{[]/.test(text) ? parseJson(text) : undefined;
  if (json !== undefined) return json;
  if (text.length <= MAX_YAML_LENGTH) return parseYaml(text);
  const limit = `${MAX_YAML_LENGTH / 1_000_000} MB`;
  const message = `YAML must be smaller than ${limit}; write a plan of this size as JSON`;
  return { lines: new LineCounter(), problems: [{ offset: 0, message }] };
}

/** @returns undefined for text that is, or is meant to be, YAML. */
function parseJson(text: string): ParsedSource | undefined {
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    return { lines: linesOf(text), problems: [{ offset: deep, message: NESTED_TOO_DEEPLY }] };
  }
  try {
    const source = new JsonSource(text);
    return { lines: linesOf(text), source };
  } catch (error) {
    if (!(error instanceof SyntaxError) || !isMeantAsJson(text)) return undefined;
    return { lines: linesOf(text), problems: [jsonProblem(error, text)] };
  }
}

/** Whether broken text begins as JSON does: YAML seldom has quotes around its keys. */
function isMeantAsJson(text: string): boolean {
  return /^\s*(?:\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|\}|$)|\[\s*(?:[[{"\]]|$))/.test(text);
}

/** The engine does not say where all of its errors are. */
function jsonProblem({ message }: SyntaxError, text: string): SourceProblem {
  const [, reason = message] = /^(.*?)(?:,? (?:in JSON|"|\.\.\."))/s.exec(message) ?? [];
  return { offset: syntaxErrorAt(text) ?? text.length, message: `invalid JSON: ${reason}` };
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    lines.addNewLine(at + 1);
  }
  return lines;
}

function parseYaml(text: string): ParsedSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Not even a %YAML directive turns "no" into false or 12:30 into a number.
    schema: 'core',
    // Without it, !!set and !!binary make values that are not JSON.
    resolveKnownTags: false,
    // Duplicate keys are found in linear time when the values are read.
    uniqueKeys: false,
  });
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) return { lines, problems: syntaxProblems(errors, lines) };
  if (document.contents === null) {
    return { lines, problems: [{ offset: 0, message: 'the file is empty' }] };
  }
  return { lines, source: new YamlSource(document) };
}

function syntaxProblems(errors: readonly YAMLError[], lines: LineCounter): SourceProblem[] {
  // One mistake often causes several errors in its line; only the first one helps.
  const firsts = new Map<number, SourceProblem>();
  for (const error of errors) {
    const offset = error.pos[0];
    const { line } = lines.linePos(offset);
    if (!firsts.has(line)) firsts.set(line, { offset, message: explainSyntaxError(error) });
  }
  return [...firsts.values()];
}

/** Adds the remedy to the parser's message for common mistakes. */
function explainSyntaxError({ code, message }: YAMLError): string {
  switch (code) {
    case 'MULTIPLE_DOCS':
      return 'a second YAML document starts here; a file must contain only one';
    case 'RESOURCE_EXHAUSTION':
      return NESTED_TOO_DEEPLY;
    case 'TAG_RESOLVE_FAILED':
      return `${message}; YAML tags are not supported`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return `invalid YAML: ${message}. Put text that contains ": " in quotes.`;
    case 'BAD_SCALAR_START':
      return `invalid YAML: ${message}. Put the text in quotes.`;
    case 'TAB_AS_INDENT':
      return `invalid YAML: ${message}. Indent with spaces.`;
    default:
      return `invalid YAML: ${message}`;
  }
}
