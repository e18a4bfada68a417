import type { PlanProblem } from '@stratagem/core';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { MAX_NESTING, NESTED_TOO_DEEPLY, type Source, type SourceProblem } from './source.js';

/** The maximum number of values that aliases may expand to: ten short lines can reach billions. */
const MAX_EXPANDED = 1_000_000;

const MERGE_KEY =
  'merge keys (<<) are not supported; write the fields out, or use an alias for a whole value';

interface Anchor {
  readonly node: Node;
  value: unknown;
  /** The number of values below the node; undefined while it is being read. */
  size?: number;
}

/**
 * A YAML document as plain data that remembers the position of each value. It walks the document
 * once, because the checks of the yaml package for duplicate keys and aliases take quadratic time.
 */
export class YamlSource implements Source {
  readonly value: unknown;
  /** Duplicate keys, and aliases that cannot be followed (their value is null). */
  readonly problems: SourceProblem[] = [];
  readonly #root: Node | null;
  readonly #anchors = new Map<string, Anchor>();
  readonly #targets = new Map<Alias, Node>();
  readonly #fields = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  #size = 0;
  #expanded = 0;
  #isTooDeep = false;

  constructor(document: Document) {
    this.#root = document.contents;
    this.value = this.#read(this.#root, 0);
  }

  offsetOf({ code, path }: Pick<PlanProblem, 'code' | 'path'>): number {
    let node = this.#root;
    let offset = startOf(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      if (isAlias(node)) node = this.#targets.get(node) ?? null;
      if (isSeq(node)) {
        node = asNode(node.items[step as number]);
        offset = startOf(node) ?? offset;
      } else if (isMap(node)) {
        const pair = this.#fieldsOf(node).get(String(step));
        if (pair === undefined) return offset;
        const key = asNode(pair.key);
        const wantsKey = code === 'unknown_field' && depth === path.length - 1;
        node = asNode(pair.value);
        offset = startOf(wantsKey ? key : node) ?? startOf(key) ?? offset;
      } else return offset;
    }
    return offset;
  }

  #read(node: Node | null, depth: number): unknown {
    this.#size++;
    if (depth > MAX_NESTING) {
      if (!this.#isTooDeep) this.#report(node, NESTED_TOO_DEEPLY);
      this.#isTooDeep = true;
      return null;
    }
    if (isAlias(node)) return this.#follow(node);
    const anchor = node?.anchor === undefined ? undefined : this.#anchorAt(node, node.anchor);
    const before = this.#size;
    const value = isMap(node)
      ? this.#readMap(node, depth + 1)
      : isSeq(node)
        ? node.items.map((item) => this.#read(asNode(item), depth + 1))
        : isScalar(node)
          ? node.value
          : null;
    if (anchor !== undefined) {
      anchor.value = value;
      anchor.size = this.#size - before + 1;
    }
    return value;
  }

  #readMap(map: YAMLMap, depth: number): object {
    const object = {};
    const firsts = new Map<string, Node>();
    for (const { key, value } of map.items) {
      const keyNode = asNode(key);
      const name = nameOf(keyNode);
      if (name === undefined) {
        this.#report(keyNode, 'keys must be strings');
      } else if (name === '<<' && isPlain(keyNode)) {
        this.#report(keyNode, MERGE_KEY);
      } else if (firsts.has(name)) {
        this.#report(keyNode, `duplicate key "${name}"`);
      } else if (keyNode !== null) firsts.set(name, keyNode);
      const content = this.#read(asNode(value), depth);
      // Defined, not assigned, so that "__proto__" is a key like any other.
      if (name !== undefined) {
        Object.defineProperty(object, name, {
          value: content,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
    }
    return object;
  }

  #anchorAt(node: Node, name: string): Anchor {
    const anchor: Anchor = { node, value: undefined };
    // A later anchor of the same name replaces this one for the aliases after it.
    this.#anchors.set(name, anchor);
    return anchor;
  }

  #follow(alias: Alias): unknown {
    const anchor = this.#anchors.get(alias.source);
    if (anchor === undefined) {
      this.#report(
        alias,
        `undefined alias "*${alias.source}": no anchor "&${alias.source}" precedes it`,
      );
      return null;
    }
    if (anchor.size === undefined) {
      this.#report(alias, `alias "*${alias.source}" refers to a value that contains it`);
      return null;
    }
    const withinLimit = this.#expanded <= MAX_EXPANDED;
    this.#expanded += anchor.size;
    if (this.#expanded > MAX_EXPANDED) {
      const limit = MAX_EXPANDED.toLocaleString('en');
      if (withinLimit) this.#report(alias, `aliases expand to more than ${limit} values`);
      return null;
    }
    this.#targets.set(alias, anchor.node);
    this.#size += anchor.size;
    return anchor.value;
  }

  #report(node: Node | null, message: string): void {
    this.problems.push({ offset: startOf(node) ?? 0, message });
  }

  /** Built only for maps on the path of a problem. */
  #fieldsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    let fields = this.#fields.get(map);
    if (fields === undefined) {
      fields = new Map(map.items.map((pair) => [nameOf(asNode(pair.key)) ?? '', pair]));
      this.#fields.set(map, fields);
    }
    return fields;
  }
}

function nameOf(key: Node | null): string | undefined {
  return isScalar(key) ? String(key.value ?? '') : undefined;
}

/** Whether a key is written without quotes. */
function isPlain(key: Node | null): boolean {
  return isScalar(key) && key.type === 'PLAIN';
}

function asNode(value: unknown): Node | null {
  return isNode(value) ? value : null;
}

function startOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}
