import type { PlanProblem } from '@stratagem/core';
import jsonc, { type Node, type ParseError } from 'jsonc-parser';
import { MAX_NESTING, type Source, type SourceProblem } from './source.js';

/**
 * A JSON text as plain data. Positions are looked up only where there is a problem to show, so a correct
 * file costs little more than `JSON.parse`.
 */
export class JsonSource implements Source {
  readonly value: unknown;
  readonly problems: readonly SourceProblem[];
  readonly #text: string;
  #root: Node | undefined;
  readonly #fields = new Map<Node, ReadonlyMap<string, Node>>();

  /**
   * @param text At most `MAX_NESTING` levels deep.
   * @throws {SyntaxError} when the text is not JSON.
   */
  constructor(text: string) {
    this.value = JSON.parse(text);
    this.#text = text;
    this.problems = duplicateKeys(text);
  }

  offsetOf({ code, path }: Pick<PlanProblem, 'code' | 'path'>): number {
    this.#root ??= jsonc.parseTree(this.#text);
    let node = this.#root;
    let offset = node?.offset ?? 0;
    for (const [depth, step] of path.entries()) {
      if (node?.type === 'array') node = node.children?.[step as number];
      else if (node?.type === 'object') {
        const [key, value]: (Node | undefined)[] =
          this.#fieldsOf(node).get(String(step))?.children ?? [];
        const wantsKey = code === 'unknown_field' && depth === path.length - 1;
        node = wantsKey ? key : value;
      } else return offset;
      if (node === undefined) return offset;
      offset = node.offset;
    }
    return offset;
  }

  #fieldsOf(object: Node): ReadonlyMap<string, Node> {
    let fields = this.#fields.get(object);
    if (fields === undefined) {
      const properties = object.children ?? [];
      fields = new Map(properties.map((each) => [String(each.children?.[0]?.value), each]));
      this.#fields.set(object, fields);
    }
    return fields;
  }
}

/** The place where JSON exceeds `MAX_NESTING`; undefined when it never does. */
export function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (isText) {
      if (char === BACKSLASH) at++;
      else if (char === QUOTE) isText = false;
    } else if (char === QUOTE) isText = true;
    else if (char === OPEN_LIST || char === OPEN_OBJECT) {
      if (++depth > MAX_NESTING) return at;
    } else if (char === CLOSE_LIST || char === CLOSE_OBJECT) depth--;
  }
  return undefined;
}

/** The place of the first syntax error; undefined when the text is JSON. */
export function syntaxErrorAt(text: string): number | undefined {
  const errors: ParseError[] = [];
  jsonc.parseTree(text, errors, { allowTrailingComma: false, disallowComments: true });
  return errors[0]?.offset;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

function duplicateKeys(text: string): SourceProblem[] {
  const problems: SourceProblem[] = [];
  const open: Set<string>[] = [];
  jsonc.visit(text, {
    onObjectBegin: () => void open.push(new Set()),
    onObjectEnd: () => void open.pop(),
    onObjectProperty(name, offset) {
      const names = open.at(-1) as Set<string>;
      if (names.has(name)) problems.push({ offset, message: `duplicate key "${name}"` });
      names.add(name);
    },
  });
  return problems;
}
