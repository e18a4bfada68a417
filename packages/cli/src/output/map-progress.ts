import type { DatasetMap } from '@stratagem/datasets';
import type { ProgressFlags } from '../options/progress-flags.js';
import { bar } from './bar.js';
import { canvasFor, fitting } from './canvas.js';
import { formatCost, formatCount } from './format-amounts.js';
import { leftText } from './left-text.js';
import { LiveBlock } from './live-block.js';
import { forTerminal, widthOf } from './terminal-text.js';

const REDRAW_MS = 250;
const LINE_MS = 10_000;
const JSON_MS = 1_000;
/** The rate is that of the last while. */
const WINDOW_MS = 20_000;
const BAR_WIDTH = 20;

type Map = Pick<DatasetMap<unknown, unknown>, 'progress' | 'summary'>;

/** Figures of a map that is under way. */
export interface MapFigures {
  readonly done: number;
  readonly failed: number;
  readonly total: number | undefined;
  readonly rowsPerSecond: number | undefined;
  readonly costUsd: number | null;
  readonly leftMs: number | undefined;
}

/** Measures how fast the rows of a map are done. */
export class MapRate {
  readonly #map: Map;
  /** The share of the file that was read. */
  readonly #share: () => number | undefined;
  readonly #total: number | undefined;
  #samples: { readonly at: number; readonly done: number }[] = [];

  /** @param total How many rows there are, if they were counted. */
  constructor(map: Map, share: () => number | undefined, total: number | undefined) {
    this.#map = map;
    this.#share = share;
    this.#total = total;
  }

  /** Forgets the rate, after a time in which nothing ran. */
  restart(): void {
    this.#samples = [];
  }

  figures(now: number): MapFigures {
    const { done, restored, read, total: known } = this.#map.progress();
    const { failed, costUsd } = this.#map.summary();
    // Rows of an earlier map are there at once.
    this.#samples.push({ at: now, done: done - restored });
    while ((this.#samples[1]?.at ?? now) < now - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0] as { at: number; done: number };
    const seconds = (now - first.at) / 1_000;
    const rowsPerSecond = seconds > 0.5 ? (done - restored - first.done) / seconds : undefined;
    const share = this.#share();
    const total = known ?? this.#total ?? (share ? Math.round(read / share) : undefined);
    const leftMs =
      total !== undefined && rowsPerSecond
        ? (Math.max(0, total - done) / rowsPerSecond) * 1_000
        : undefined;
    return { done, failed, total, rowsPerSecond, costUsd, leftMs };
  }
}

/** Shows a map while it is going on. */
export interface MapDisplay {
  /** Clears the screen for a question or a message, until `resume` is called. */
  suspend(): void;
  /** @param isRateKept Whether rows were worked on meanwhile. */
  resume(isRateKept?: boolean): void;
  stop(): void;
}

export function showMap(
  rate: MapRate,
  { quiet, logFormat }: ProgressFlags,
  stream: NodeJS.WriteStream = process.stderr,
): MapDisplay {
  if (quiet) return { suspend() {}, resume() {}, stop() {} };
  const isLive = stream.isTTY && process.env.TERM !== 'dumb' && logFormat === undefined;
  const block = isLive ? new LiveBlock(stream) : undefined;
  let isSuspended = false;
  const show = () => {
    if (isSuspended) return;
    const figures = rate.figures(performance.now());
    if (logFormat === 'json') {
      stream.write(`${JSON.stringify({ type: 'map_progress', ...figures })}\n`);
    } else if (block === undefined) stream.write(`${partsOf(figures).join(' · ')}\n`);
    else {
      const { width, style } = canvasFor(stream);
      const { done, total } = figures;
      const drawn = total === undefined ? '' : bar(done / Math.max(1, total), BAR_WIDTH);
      const text = fitting(partsOf(figures), width - BAR_WIDTH - 2);
      const line = `${style('green', drawn.padEnd(BAR_WIDTH, '░'))} ${forTerminal(text)}`;
      block.draw([line], [BAR_WIDTH + 1 + widthOf(text)]);
    }
  };
  const everyMs = block !== undefined ? REDRAW_MS : logFormat === 'json' ? JSON_MS : LINE_MS;
  const timer = setInterval(show, everyMs);
  if (block !== undefined) show();
  return {
    suspend() {
      isSuspended = true;
      block?.clear();
    },
    resume(isRateKept = false) {
      isSuspended = false;
      if (!isRateKept) rate.restart();
      if (block !== undefined) show();
    },
    stop() {
      clearInterval(timer);
      if (logFormat === 'json') show();
      block?.stop();
    },
  };
}

function partsOf({ done, failed, total, rowsPerSecond, costUsd, leftMs }: MapFigures): string[] {
  const rows = total === undefined ? '' : ` of ${total.toLocaleString('en')}`;
  const left = leftText(leftMs);
  return [
    `${done.toLocaleString('en')}${rows} rows`,
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(rowsPerSecond === undefined ? [] : [`${rowsPerSecond.toFixed(1)}/s`]),
    ...(costUsd === null || costUsd === 0 ? [] : [formatCost(costUsd)]),
    ...(left === '' || done === total ? [] : [left]),
  ];
}
