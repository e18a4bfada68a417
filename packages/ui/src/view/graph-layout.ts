import { Graph, layout } from '@dagrejs/dagre';
import { edgesBetween, type Fold, type FoldEdge, foldLevels, foldTasks } from './fold-tasks.js';
import type { RunView } from './run-view.js';

export const NODE_WIDTH = 172;
export const NODE_HEIGHT = 52;

/** From so many nodes on, look-alikes are folded. */
const MOST_LOOSE = 40;
/** The graph never shows more nodes than this. */
const MOST_NODES = 240;
/** A graph with more levels than this is drawn from top to bottom, because a page scrolls. */
const MOST_LEVELS = 8;

export interface GraphNode {
  readonly fold: Fold;
  /** The middle of the node. */
  readonly x: number;
  readonly y: number;
}

export interface GraphEdge extends FoldEdge {
  /** An SVG path. */
  readonly path: string;
}

export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  /** In topological order. */
  readonly nodes: readonly GraphNode[];
  /** Critical ones last, so that they are drawn on top. */
  readonly edges: readonly GraphEdge[];
  /** There is one node for each level, because even folded there were too many. */
  readonly isByLevel: boolean;
}

type Point = { readonly x: number; readonly y: number };

/** Layers the folded graph of a run. */
export function layoutGraph(view: RunView, open: ReadonlySet<string>): GraphLayout {
  let folds = foldTasks(view, MOST_LOOSE, open);
  if (folds.length > MOST_NODES) folds = foldTasks(view, 0, new Set());
  const isByLevel = folds.length > MOST_NODES;
  if (isByLevel) folds = foldLevels(view);
  const edges = edgesBetween(view, folds);
  const isDeep = Math.max(0, ...folds.map(levelOf)) >= MOST_LEVELS;
  const graph = new Graph();
  graph.setGraph({
    ...{ rankdir: isDeep ? 'TB' : 'LR', ranker: 'network-simplex', edgesep: 10 },
    ...{ nodesep: isDeep ? 22 : 14, ranksep: isDeep ? 30 : 52, marginx: 24, marginy: 24 },
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const fold of folds) graph.setNode(fold.id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const { from, to, isCritical } of edges) {
    graph.setEdge(from, to, { weight: isCritical ? 6 : 1 });
  }
  layout(graph);
  const pointOf = (id: string) => graph.node(id) as unknown as Point;
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    ...{ width: Math.max(1, width), height: Math.max(1, height), isByLevel },
    nodes: folds
      .map((fold) => ({ fold, x: pointOf(fold.id).x, y: pointOf(fold.id).y }))
      .sort((a, b) => (isDeep ? a.y - b.y || a.x - b.x : a.x - b.x || a.y - b.y)),
    edges: edges
      .map((edge) => {
        const { points } = graph.edge(edge.from, edge.to) as unknown as { points: Point[] };
        return { ...edge, path: pathOf(points, pointOf(edge.from), pointOf(edge.to), isDeep) };
      })
      .sort((a, b) => Number(a.isCritical) - Number(b.isCritical)),
  };
}

function levelOf({ tasks, group }: Fold): number {
  return (group ?? tasks[0])?.level ?? 0;
}

/** From the middle of one side to the middle of the side that faces it. */
function pathOf(points: readonly Point[], from: Point, to: Point, isDeep: boolean): string {
  const start = isDeep
    ? { x: from.x, y: from.y + NODE_HEIGHT / 2 }
    : { x: from.x + NODE_WIDTH / 2, y: from.y };
  const end = isDeep
    ? { x: to.x, y: to.y - NODE_HEIGHT / 2 }
    : { x: to.x - NODE_WIDTH / 2, y: to.y };
  const way = points.length <= 3 ? [start, end] : [start, ...points.slice(1, -1), end];
  const place = (x: number, y: number) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  let path = `M${place(start.x, start.y)}`;
  for (let index = 1; index < way.length; index++) {
    const [before, here] = [way[index - 1] as Point, way[index] as Point];
    const middle = isDeep ? (before.y + here.y) / 2 : (before.x + here.x) / 2;
    path += isDeep
      ? `C${place(before.x, middle)} ${place(here.x, middle)} ${place(here.x, here.y)}`
      : `C${place(middle, before.y)} ${place(middle, here.y)} ${place(here.x, here.y)}`;
  }
  return path;
}
