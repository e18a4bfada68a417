import type { RunModel, ShownStatus } from '../model/run-model.js';
import type { Fold } from '../view/fold-tasks.js';
import {
  type GraphEdge,
  type GraphNode,
  layoutGraph,
  NODE_HEIGHT,
  NODE_WIDTH,
} from '../view/graph-layout.js';
import { nodeName, nodeWords } from '../view/node-words.js';
import { paintGlyph } from '../view/paint-labels.js';
import { FONT } from '../view/painter.js';
import { countStatuses, viewOf } from '../view/run-view.js';
import { COLORS, type Colors } from '../view/surface.js';
import { statusOf } from '../view/timeline-layout.js';
import { BAR_ORDER, STATUS_WORDS } from '../view/words.js';
import { escapeXml, SvgSurface } from './svg-surface.js';
import type { PictureOptions } from './timeline-svg.js';

/** The graph of a model as an SVG picture: groups and look-alikes are folded. */
export function graphSvgOf(model: RunModel, { theme = 'light' }: PictureOptions = {}): string {
  const view = viewOf(model);
  const colors = COLORS[theme];
  const { width, height, nodes, edges } = layoutGraph(view, new Set());
  const title = escapeXml(`Graph: ${model.goal}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" `,
    `viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}" `,
    `font-family="${escapeXml(FONT)}"><title>${title}</title>`,
    `<path fill="${colors.bg}" d="M0 0h${width}v${height}H0z"/>`,
    ...edges.map((edge) => edgeSvg(edge, colors)),
    ...nodes.map((node) => nodeSvg(node, view.now, colors)),
    '</svg>\n',
  ].join('');
}

function edgeSvg({ path, isCritical }: GraphEdge, colors: Colors): string {
  const [color, width] = isCritical ? [colors.t1, 1.8] : [colors.line3, 1.25];
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="${width}"/>`;
}

function nodeSvg({ fold, x, y }: GraphNode, now: number, colors: Colors): string {
  const { kind, tasks, group, label } = fold;
  const isCritical = tasks.some((task) => task.isCritical) || group?.isCritical === true;
  const [color, width] = isCritical ? [colors.t1, 1.6] : [colors.line2, 1];
  const sheet = (shift: number, opacity: number) =>
    `<rect x="${shift}" y="${shift}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}" rx="8" ` +
    `fill="${colors.raise}" stroke="${color}" stroke-width="${width}" opacity="${opacity}"/>`;
  const small = (x: number, y: number, fill: string, words: string, anchor = '') =>
    `<text x="${x}" y="${y}" font-size="11.5" fill="${fill}"${anchor}>${escapeXml(words)}</text>`;
  const end = ' text-anchor="end"';
  const status = statusOf(fold);
  const { text, isBad } = nodeWords(fold, now);
  const tone = isBad ? colors.bad : colors.t2;
  const name = nodeName(fold);
  const isTask = kind === 'task';
  const glyph = new SvgSurface('glyph');
  paintGlyph(glyph, status, 19, 18.5, colors);
  return [
    `<g transform="translate(${x - NODE_WIDTH / 2},${y - NODE_HEIGHT / 2})">`,
    `<title>${escapeXml(`${label}: ${STATUS_WORDS[status]}`)}</title>`,
    ...(isTask ? [] : [sheet(6, 0.55), sheet(3, 0.8)]),
    sheet(0, 1),
    glyph.shapes(),
    `<text x="34" y="23" font-size="13" font-weight="500" fill="${colors.t1}">${escapeXml(name)}</text>`,
    ...(isTask
      ? [small(34, 40, tone, text)]
      : [
          small(160, 22.5, colors.t2, `×${tasks.length}`, end),
          statusBar(fold, colors),
          small(160, 41, tone, text, end),
        ]),
    '</g>',
  ].join('');
}

function statusBar({ tasks }: Fold, colors: Colors): string {
  const counts = countStatuses(tasks);
  const fills: Readonly<Record<ShownStatus, string>> = {
    ...{ completed: colors.ok, failed: colors.bad, running: colors.run, retrying: colors.warn },
    ...{ waiting: colors.hum, skipped: colors.line2, canceled: colors.line2 },
    pending: colors['off-t'],
  };
  let x = 34;
  return [...BAR_ORDER, 'pending' as const]
    .map((status) => {
      const width = (64 * (counts[status] ?? 0)) / tasks.length;
      if (width === 0) return '';
      x += width;
      return `<rect x="${x - width}" y="34" width="${Math.max(2, width - 1)}" height="6" rx="1.5" fill="${fills[status]}"/>`;
    })
    .join('');
}
