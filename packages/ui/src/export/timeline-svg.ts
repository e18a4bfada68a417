import type { RunModel } from '../model/run-model.js';
import { viewOf } from '../view/run-view.js';
import { COLORS, type Theme } from '../view/surface.js';
import { measureTimeline } from '../view/timeline-geometry.js';
import { defaultMode, layoutTimeline, type TimelineMode } from '../view/timeline-layout.js';
import { paintTimeline } from '../view/timeline-paint.js';
import { SvgSurface } from './svg-surface.js';

export interface PictureOptions {
  /** @default 'light' */
  readonly theme?: Theme | undefined;
}

export interface TimelinePictureOptions extends PictureOptions {
  /**
   * The rows: groups and look-alikes folded, single tasks, or the slots in which tasks ran.
   * @default by the number of tasks: `tasks` up to 40, `groups` up to 400, then `slots`
   */
  readonly mode?: TimelineMode | undefined;
  /** In pixels. @default 1280 */
  readonly width?: number | undefined;
}

/** The timeline of a model as an SVG picture. */
export function timelineSvgOf(model: RunModel, options: TimelinePictureOptions = {}): string {
  const { theme = 'light', mode = defaultMode(model), width = 1_280 } = options;
  const view = viewOf(model);
  const layout = layoutTimeline(view, mode, new Set());
  const to = Math.max(1, model.isLive ? view.now * 1.06 : view.now);
  const maxHeight = Number.POSITIVE_INFINITY;
  const at = measureTimeline(view, layout, { width, from: 0, to, maxHeight, hasMinimap: false });
  const surface = new SvgSurface('timeline');
  paintTimeline({ surface, colors: COLORS[theme], hatch: surface.hatch }, view, layout, at);
  return surface.toSvg(width, at.height, `Timeline: ${model.goal}`);
}
