import { Graph, type Plan, type Task } from '@stratagem/core';
import type { GraphFormat } from './choices.js';
import { jsonText } from './json-text.js';
import { forTerminal } from './terminal-text.js';

/** `-`, `_`, `.` and `:` are harmless inside a word; "1. " begins a list, `__a__` is bold. */
const MERMAID_SYNTAX = /(?<![\p{L}\p{N}])[-_.:]|[-_.:](?![\p{L}\p{N}])|[^\p{L}\p{M}\p{N} _.,:-]/gu;

/** A plan's graph as text in that format; edges go from a dependency to what waits for it. */
export function formatGraph(plan: Plan, format: GraphFormat): string {
  const graph = new Graph(plan.tasks);
  switch (format) {
    case 'mermaid':
      return mermaid(graph);
    case 'dot':
      return dot(plan, graph);
    case 'json':
      return json(plan, graph);
  }
}

function mermaid(graph: Graph): string {
  const nodes = graph.tasks.map((task, index) => `  t${index}["${mermaidText(task.id)}"]`);
  const edges = edgesOf(graph).map(([from, to]) => `  t${from} --> t${to}`);
  return ['flowchart TD', ...nodes, ...edges].join('\n');
}

/** Everything that Mermaid could take for its own syntax, HTML or Markdown, as entities. */
function mermaidText(text: string): string {
  return text.replace(MERMAID_SYNTAX, (sign) => `#${sign.codePointAt(0)};`);
}

function dot(plan: Plan, graph: Graph): string {
  const nodes = graph.tasks.map((task, index) => `  t${index} [label="${dotText(task.id)}"];`);
  const edges = edgesOf(graph).map(([from, to]) => `  t${from} -> t${to};`);
  return [`digraph "${dotText(plan.goal)}" {`, '  node [shape=box];', ...nodes, ...edges, '}'].join(
    '\n',
  );
}

/** Graphviz knows backslashes and HTML entities in a label. */
function dotText(text: string): string {
  return forTerminal(text)
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('&', '&amp;')
    .replaceAll('\n', '\\n');
}

function json(plan: Plan, graph: Graph): string {
  const idOf = (index: number) => (graph.tasks[index] as Task).id;
  const levels: string[][] = [];
  const nodes = graph.tasks.map(({ id, type = 'action', description }, index) => {
    const level = graph.levels[index] as number;
    levels[level] ??= [];
    levels[level].push(id);
    return { id, type, level, description };
  });
  const edges = edgesOf(graph).map(([from, to]) => ({ from: idOf(from), to: idOf(to) }));
  return jsonText({ goal: plan.goal, levels, nodes, edges });
}

function edgesOf(graph: Graph): [from: number, to: number][] {
  const edges: [number, number][] = [];
  for (let index = 0; index < graph.size; index++) {
    graph.eachDependency(index, (dependency) => edges.push([dependency, index]));
  }
  return edges;
}
