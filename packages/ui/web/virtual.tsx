import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Rows of one height, of which only those in sight are in the document. */
export function VirtualRows({
  count,
  rowHeight,
  row,
  scrollTo,
}: {
  count: number;
  rowHeight: number;
  row: (index: number) => ComponentChildren;
  /** The row that must be in sight; −1 for none. */
  scrollTo: number;
}) {
  const ref = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
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
    : Math.min(count, Math.ceil((top + height) / rowHeight) + 8);
  return (
    <div
      class="vscroll"
      role="rowgroup"
      tabIndex={0}
      ref={ref}
      style={{ height: `${height}px` }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div
        role="presentation"
        style={{ height: isPrinted ? 'auto' : `${count * rowHeight}px`, position: 'relative' }}
      >
        <div
          role="presentation"
          class="vrows"
          style={isPrinted ? {} : { transform: `translateY(${first * rowHeight}px)` }}
        >
          {Array.from({ length: Math.max(0, last - first) }, (_, index) => row(first + index))}
        </div>
      </div>
    </div>
  );
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
