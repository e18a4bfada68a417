import { describe, expect, test } from 'vitest';
import { stratagem } from '../../test/stratagem.js';

/** Ids with a meaning in Mermaid, DOT, HTML or a terminal. */
const ids = [
  'end',
  'say "hi"',
  'two words',
  'back\\slash',
  '研究 🧪',
  '<b>&amp;#35;</b>',
  'a --> b;',
  'subgraph',
  't0',
  '%% ]) }',
  '__proto__',
];
/** Each depends on the one before it, and on the first. */
const plan = {
  goal: 'A "report"\nof two lines',
  tasks: ids.map((id, n) => ({
    id,
    description: `Do ${n}`,
    dependencies: n === 0 ? [] : [...new Set([ids[0], ids[n - 1]])],
  })),
};
const edges = plan.tasks.flatMap(({ id, dependencies }) => dependencies.map((from) => [from, id]));

async function graph(...args: string[]): Promise<string> {
  const ended = await stratagem(['graph', '-', ...args], { stdin: JSON.stringify(plan) });
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  return ended.stdout;
}

/**
 * Reads lines that are each a node or an edge in the given format.
 *
 * @param decode Reads a label as a reader of the format does.
 */
function read(lines: string[], node: RegExp, edge: RegExp, decode: (label: string) => string) {
  const names = new Map<string, string>();
  const found: (string | undefined)[][] = [];
  for (const line of lines) {
    const [, name, label] = node.exec(line) ?? [];
    const [, from, to] = edge.exec(line) ?? [];
    if (name !== undefined && label !== undefined) names.set(name, decode(label));
    else if (from !== undefined && to !== undefined) found.push([names.get(from), names.get(to)]);
    else throw new Error(`neither a node nor an edge: ${line}`);
  }
  return { ids: [...names.values()], edges: found };
}

describe('graph', () => {
  test('is Mermaid by default, with any ids', async () => {
    const text = await graph();
    const [head, ...lines] = text.trimEnd().split('\n');
    expect(head).toBe('flowchart TD');
    const nodeOf = /^ {2}(t\d+)\["([^"]*)"\]$/;
    const edgeOf = /^ {2}(t\d+) --> (t\d+)$/;
    const drawn = read(lines, nodeOf, edgeOf, (label) => {
      expect(label).not.toMatch(/[<>[\]{}`\\&]/);
      return label.replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
    });
    expect(drawn).toEqual({ ids, edges });
    expect(await graph('--format', 'mermaid')).toBe(text);
  });

  test('is DOT, with any ids', async () => {
    const lines = (await graph('--format', 'dot')).trimEnd().split('\n');
    expect(lines.shift()).toBe('digraph "A \\"report\\"\\nof two lines" {');
    expect(lines.pop()).toBe('}');
    const defaults = /^ {2}(node|edge|graph|rankdir)\b/;
    const nodeOf = /^ {2}(t\d+) \[label="((?:[^"\\]|\\.)*)"\];$/;
    const edgeOf = /^ {2}(t\d+) -> (t\d+);$/;
    const drawn = read(
      lines.filter((line) => !defaults.test(line)),
      nodeOf,
      edgeOf,
      (label) =>
        label
          .replace(/\\(.)/g, (_, sign) => (sign === 'n' ? '\n' : sign))
          // Graphviz reads HTML's entities in every label.
          .replaceAll('&amp;', '&'),
    );
    expect(drawn).toEqual({ ids, edges });
  });

  test('is JSON, with the levels of the tasks', async () => {
    const document = JSON.parse(await graph('--format', 'json'));
    expect(document.goal).toBe(plan.goal);
    expect(document.levels).toEqual(ids.map((id) => [id]));
    expect(document.nodes).toEqual(
      plan.tasks.map(({ id, description }, level) => ({ id, type: 'action', level, description })),
    );
    expect(document.edges).toEqual(edges.map(([from, to]) => ({ from, to })));
  });

  test('of 10,000 tasks is complete', async () => {
    const tasks = Array.from({ length: 10_000 }, (_, n) => ({
      id: `task-${n}`,
      description: `Do number ${n}`,
      dependencies: n === 0 ? [] : [`task-${n - 1}`],
    }));
    const { exitCode, stdout } = await stratagem(['graph', '-', '--format', 'json'], {
      stdin: JSON.stringify({ goal: 'Much', tasks }),
    });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).edges).toHaveLength(9_999);
  });
});
