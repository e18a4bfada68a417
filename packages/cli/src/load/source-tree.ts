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

/** What is wrong with a file, and where in it. */
export interface SourceProblem {
  readonly offset: number;
  readonly message: string;
}

/** How many values the aliases of a file may stand for: ten short lines can unfold to billions. */
const MAX_UNFOLDED = 1_000_000;

interface Anchor {
  readonly node: Node;
  value: unknown;
  /** How many values it stands for; unknown while it is being read. */
  size?: number;
}

/**
 * A YAML document as plain data that remembers where each value stands. Takes one walk, whatever
 * the file: yaml's own checks for equal keys and for aliases compare each with each.
 */
export class SourceTree {
  readonly value: unknown;
  /** Fields that stand twice, and aliases that cannot be followed (their value is null). */
  readonly problems: SourceProblem[] = [];
  readonly #root: Node | null;
  readonly #anchors = new Map<string, Anchor>();
  readonly #targets = new Map<Alias, Node>();
  readonly #fields = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  #size = 0;
  #unfolded = 0;

  constructor(document: Document) {
    this.#root = document.contents;
    this.value = this.#read(this.#root);
  }

  /** Where a problem is: at the value it is about, or at its key when the key is wrong. */
  offsetOf({ code, path }: PlanProblem): number {
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

  #read(node: Node | null): unknown {
    this.#size++;
    if (isAlias(node)) return this.#follow(node);
    const anchor = node?.anchor === undefined ? undefined : this.#anchorAt(node, node.anchor);
    const before = this.#size;
    const value = isMap(node)
      ? this.#readMap(node)
      : isSeq(node)
        ? node.items.map((item) => this.#read(asNode(item)))
        : isScalar(node)
          ? node.value
          : null;
    if (anchor !== undefined) {
      anchor.value = value;
      anchor.size = this.#size - before + 1;
    }
    return value;
  }

  #readMap(map: YAMLMap): object {
    const object = {};
    const firsts = new Map<string, Node>();
    for (const { key, value } of map.items) {
      const keyNode = asNode(key);
      const name = nameOf(keyNode);
      if (name === undefined) {
        this.#report(keyNode, 'the name of a field must be text');
      } else if (firsts.has(name)) {
        this.#report(keyNode, `the field "${name}" stands here twice`);
      } else if (keyNode !== null) firsts.set(name, keyNode);
      const content = this.#read(asNode(value));
      // Defined, not assigned: "__proto__" is a name like any other.
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
    // A later anchor of the same name takes its place from here on.
    this.#anchors.set(name, anchor);
    return anchor;
  }

  #follow(alias: Alias): unknown {
    const anchor = this.#anchors.get(alias.source);
    if (anchor === undefined) {
      this.#report(alias, `there is no anchor "&${alias.source}" ahead of this alias`);
      return null;
    }
    if (anchor.size === undefined) {
      this.#report(alias, `the alias "*${alias.source}" stands inside of what it repeats`);
      return null;
    }
    const withinLimit = this.#unfolded <= MAX_UNFOLDED;
    this.#unfolded += anchor.size;
    if (this.#unfolded > MAX_UNFOLDED) {
      const limit = MAX_UNFOLDED.toLocaleString('en');
      if (withinLimit) this.#report(alias, `the aliases up to here stand for over ${limit} values`);
      return null;
    }
    this.#targets.set(alias, anchor.node);
    this.#size += anchor.size;
    return anchor.value;
  }

  #report(node: Node | null, message: string): void {
    this.problems.push({ offset: startOf(node) ?? 0, message });
  }

  /** Made only for maps that a problem leads through. */
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

function asNode(value: unknown): Node | null {
  return isNode(value) ? value : null;
}

function startOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}
