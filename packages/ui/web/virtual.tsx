import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

/** The style that puts a row where it belongs. */
export type Place = { readonly top: string };

/** Rows of one height, of which only those in sight are in the document. */
export function VirtualRows({
  count,
  rowHeight,
  row,
  scrollTo,
}: {
  count: number;
  rowHeight: number;
  /** @param place Where the row is; printed rows follow one another. */
  row: (index: number, place: Place) => ComponentChildren;
  /** The row that must be in sight; −1 for none. */
  scrollTo: number;
}) {
  const ref = useRef<HTMLDivElement>(null);
  // The first row in sight, in steps: not every pixel needs other rows.
  const [step, setStep] = useState(0);
  const top = step * STEP * rowHeight;
  const rows = useRowCache(row, rowHeight);
  const [room, setRoom] = useState(() => roomFor(innerHeight));
  const [isPrinted, setPrinted] = useState(false);
  useEffect(() => {
    const resize = () => setRoom(roomFor(innerHeight));
    const before = () => setPrinted(true);
    const after = () => setPrinted(false);
    addEventListener('resize', resize);
    addEventListener('beforeprint', before);
    addEventListener('afterprint', after);
    return () => {
      removeEventListener('resize', resize);
      removeEventListener('beforeprint', before);
      removeEventListener('afterprint', after);
    };
  }, []);
  const height = Math.min(room, count * rowHeight);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null || scrollTo < 0) return;
    const place = scrollTo * rowHeight;
    if (place < element.scrollTop || place > element.scrollTop + height - rowHeight) {
      element.scrollTop = place - height / 2;
    }
  }, [scrollTo]);
  const first = isPrinted ? 0 : Math.max(0, Math.floor(top / rowHeight) - 8);
  const last = isPrinted
    ? Math.min(count, PRINTED_ROWS)
    : Math.min(count, Math.ceil((top + height) / rowHeight) + STEP + 8);
  return (
    <div
      class="vscroll"
      role="rowgroup"
      tabIndex={0}
      ref={ref}
      style={{ height: `${height}px` }}
      onScroll={(event) => setStep(Math.floor(event.currentTarget.scrollTop / rowHeight / STEP))}
    >
      <div
        role="presentation"
        style={{ height: isPrinted ? 'auto' : `${count * rowHeight}px`, position: 'relative' }}
      >
        <div role="presentation" class={isPrinted ? 'vrows printed' : 'vrows'}>
          {Array.from({ length: Math.max(0, last - first) }, (_, index) => rows(first + index))}
        </div>
      </div>
    </div>
  );
}

/** Rows by which the window of rows moves. */
const STEP = 4;

/** Rows that stay in sight are the same objects, so that they are not compared again. */
function useRowCache(
  row: (index: number, place: Place) => ComponentChildren,
  rowHeight: number,
): (index: number) => ComponentChildren {
  return useMemo(() => {
    const known = new Map<number, ComponentChildren>();
    return (index) => {
      if (!known.has(index)) known.set(index, row(index, { top: `${index * rowHeight}px` }));
      return known.get(index);
    };
  }, [row, rowHeight]);
}

/** A printed table has at most so many rows. */
const PRINTED_ROWS = 500;

function roomFor(windowHeight: number): number {
  return Math.max(320, windowHeight - 330);
}

/** The index after a key; undefined for keys that do not move. */
export function moved(key: string, index: number, count: number): number | undefined {
  const next = {
    ...{ ArrowDown: index + 1, ArrowUp: index < 0 ? 0 : index - 1, Home: 0, End: count - 1 },
    ...{ PageDown: index + 12, PageUp: index - 12 },
  }[key];
  return next === undefined ? undefined : Math.max(0, Math.min(count - 1, next));
}
