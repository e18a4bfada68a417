import type { Plan, Task } from '@stratagem/core';
import { Graph } from '@stratagem/core/kernel';
import type { GraphFormat } from '../options/choices.js';
import { jsonText } from './json-text.js';
import { taskNotes } from './task-notes.js';
import { forTerminal } from './terminal-text.js';

/** `-`, `_`, `.` and `:` are safe inside a word only: "1. " starts a list, `__a__` is bold. */
const MERMAID_SYNTAX = /(?<![\p{L}\p{N}])[-_.:]|[-_.:](?![\p{L}\p{N}])|[^\p{L}\p{M}\p{N} _.,:-]/gu;

/**
 * Formats the graph of a plan; edges go from a dependency to its dependents.
 *
 * @param unfold Whether the tasks of modules are drawn; otherwise each module is a task.
 */
export function formatGraph(plan: Plan, format: GraphFormat, unfold = false): string {
  const graph = new Graph(plan.tasks, !unfold);
  switch (format) {
    case 'mermaid':
      return mermaid(graph, unfold);
    case 'dot':
      return dot(plan, graph, unfold);
    case 'json':
      return json(plan, graph);
  }
}

function mermaid(graph: Graph, unfold: boolean): string {
  const lines = ['flowchart TD'];
  const draw = (index: number, indent: string) => {
    const label = labelOf(graph.taskOf(index), unfold).map(mermaidText).join('<br/>');
    if (graph.childCount(index) === 0) {
      lines.push(`${indent}t${index}["${label}"]`);
      return;
    }
    lines.push(`${indent}subgraph t${index}["${label}"]`);
    graph.eachChild(index, (child) => draw(child, `${indent}  `));
    lines.push(`${indent}end`);
  };
  for (const index of roots(graph)) draw(index, '  ');
  const edges = edgesOf(graph).map(([from, to]) => `  t${from} --> t${to}`);
  return [...lines, ...edges].join('\n');
}

/** The tasks without a parent. */
function roots(graph: Graph): number[] {
  return graph.tasks.flatMap((_, index) => (graph.parentOf(index) === undefined ? index : []));
}

function labelOf(task: Task, unfold: boolean): string[] {
  return [task.id, ...taskNotes(task, unfold)];
}

/** Writes everything that Mermaid could read as its syntax, HTML or Markdown as entities. */
function mermaidText(text: string): string {
  return text.replace(MERMAID_SYNTAX, (character) => `#${character.codePointAt(0)};`);
}

function dot(plan: Plan, graph: Graph, unfold: boolean): string {
  const lines = [`digraph "${dotText(plan.goal)}" {`, '  node [shape=box];'];
  if (roots(graph).length < graph.size) lines.push('  compound=true;');
  const draw = (index: number, indent: string) => {
    const label = dotText(labelOf(graph.taskOf(index), unfold).join('\n'));
    if (graph.childCount(index) === 0) {
      lines.push(`${indent}t${index} [label="${label}"];`);
      return;
    }
    lines.push(`${indent}subgraph cluster_t${index} {`, `${indent}  label="${label}";`);
    // Edges connect nodes only, so the group needs a node for its completion.
    lines.push(`${indent}  t${index} [label="" shape=point];`);
    graph.eachChild(index, (child) => {
      draw(child, `${indent}  `);
      lines.push(`${indent}  t${child} -> t${index} [style=dotted];`);
    });
    lines.push(`${indent}}`);
  };
  for (const index of roots(graph)) draw(index, '  ');
  const edges = edgesOf(graph).map(([from, to]) => {
    const entry = firstLeaf(graph, to);
    return `  t${from} -> t${entry}${entry === to ? '' : ` [lhead=cluster_t${to}]`};`;
  });
  return [...lines, ...edges, '}'].join('\n');
}

/** The node that an edge to a group points at; `lhead` cuts it off at the group's border. */
function firstLeaf(graph: Graph, index: number): number {
  let leaf = index;
  while (graph.childCount(leaf) > 0) {
    const children: number[] = [];
    graph.eachChild(leaf, (child) => children.push(child));
    leaf = children[0] as number;
  }
  return leaf;
}

/** Graphviz interprets backslashes and HTML entities in labels. */
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
  const nodes = graph.tasks.map((task, index) => {
    const { id, type = 'action', description, runAfter, repeat, plan: module } = task;
    const level = graph.levelOf(index);
    levels[level] ??= [];
    levels[level].push(id);
    const parent = graph.parentOf(index);
    return {
      ...{ id, type, level, description },
      ...(runAfter !== undefined && { runAfter }),
      ...(repeat !== undefined && { repeat }),
      ...(module !== undefined && { module: module.goal }),
      ...(parent !== undefined && { parent: idOf(parent) }),
    };
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
