import { useEffect, useRef, useState } from 'preact/hooks';
import { csvOf } from '../src/export/csv.js';
import { graphSvgOf } from '../src/export/graph-svg.js';
import { timelineSvgOf } from '../src/export/timeline-svg.js';
import { traceOf } from '../src/export/trace.js';
import type { RunModel } from '../src/model/run-model.js';
import type { Theme } from '../src/view/surface.js';
import type { TimelineMode } from '../src/view/timeline-layout.js';

function save(name: string, type: string, content: string | Blob): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Browsers refuse larger canvases. */
const LARGEST = 16_000;

/** The picture at twice its size, for slides. */
async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  const scale = Math.min(2, LARGEST / Math.max(image.width, image.height));
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob === null ? reject(new Error('no picture')) : resolve(blob))),
  );
}

/** A menu of files: pictures, a trace, a table, and on a server the report. */
export function ExportMenu({
  model,
  theme,
  mode,
  reportUrl,
}: {
  model: RunModel;
  theme: Theme;
  mode: TimelineMode;
  reportUrl: string | undefined;
}) {
  const [isOpen, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  const entries = () => [...(ref.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
  useEffect(() => {
    if (!isOpen) return undefined;
    entries()[0]?.focus();
    const outside = (event: Event) => {
      if (!ref.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [isOpen]);
  const name = `run-${(model.runId ?? 'report').slice(0, 8)}`;
  const timeline = () => timelineSvgOf(model, { theme, mode });
  const graph = () => graphSvgOf(model, { theme });
  const items: readonly (readonly [string, () => void | Promise<void>])[] = [
    ...(reportUrl === undefined
      ? []
      : ([['Report (HTML)', () => location.assign(reportUrl)]] as const)),
    ['Timeline (SVG)', () => save(`${name}-timeline.svg`, 'image/svg+xml', timeline())],
    ['Timeline (PNG)', async () => save(`${name}-timeline.png`, '', await pngOf(timeline()))],
    ['Graph (SVG)', () => save(`${name}-graph.svg`, 'image/svg+xml', graph())],
    ['Graph (PNG)', async () => save(`${name}-graph.png`, '', await pngOf(graph()))],
    [
      'Perfetto trace',
      () => save(`${name}-trace.json`, 'application/json', JSON.stringify(traceOf(model))),
    ],
    ['Tasks (CSV)', () => save(`${name}-tasks.csv`, 'text/csv', csvOf(model))],
    ['Print', () => print()],
  ];
  const onKey = (event: KeyboardEvent) => {
    if (!isOpen) return;
    const list = entries();
    const index = list.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: -1 }[event.key];
    if (event.key === 'Escape') {
      setOpen(false);
      ref.current?.querySelector<HTMLElement>('button')?.focus();
    } else if (next !== undefined) list.at(next % list.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="menu-holder" ref={ref} onKeyDown={onKey}>
      <button
        type="button"
        class="btn"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        Export
      </button>
      {isOpen && (
        <div class="menu" role="menu" aria-label="Export">
          {items.map(([label, run]) => (
            <button
              key={label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                setOpen(false);
                void run();
              }}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
