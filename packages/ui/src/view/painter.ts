import type { Colors, Surface } from './surface.js';

export interface Painter {
  readonly surface: Surface;
  readonly colors: Colors;
  /** A style that hatches with lines of the first colour on the second. */
  hatch(line: string, ground: string): unknown;
}

export interface Marks {
  readonly selected?: string | undefined;
  readonly hovered?: string | undefined;
}

export const FONT = 'Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif';

/** Cuts a text with "…" so that it fits. */
export function shorten(surface: Surface, text: string, width: number): string {
  if (surface.measureText(text).width <= width) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (surface.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
