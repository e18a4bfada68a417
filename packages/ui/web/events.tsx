import { useMemo, useState } from 'preact/hooks';
import type { RunModel } from '../src/model/run-model.js';
import { count } from '../src/view/format.js';
import { moved, VirtualRows } from './virtual.js';

/** Most events of a run are of these types, and say little. */
const ORDINARY: ReadonlySet<string> = new Set([
  'task_started',
  'task_begun',
  'task_completed',
  'task_output',
]);

export function Events({
  model,
  selected,
  select,
}: {
  model: RunModel;
  selected: string | undefined;
  select: (task: string | undefined) => void;
}) {
  const [isAll, setAll] = useState(false);
  const [at, setAt] = useState(-1);
  const lines = useMemo(
    () => (isAll ? model.events : model.events.filter(({ type }) => !ORDINARY.has(type))),
    [model, isAll],
  );
  return (
    <div>
      <div class="bar">
        <div class="seg" role="group" aria-label="Which events">
          <button type="button" aria-pressed={!isAll} onClick={() => setAll(false)}>
            Notable
          </button>
          <button type="button" aria-pressed={isAll} onClick={() => setAll(true)}>
            All events
          </button>
        </div>
        <span class="grow" />
        <span class="dim num">
          {count(lines.length)} of {count(model.events.length)}
        </span>
      </div>
      <div
        class="tbl"
        role="grid"
        tabIndex={0}
        aria-label="Events"
        aria-rowcount={lines.length + 1}
        aria-activedescendant={at < 0 ? undefined : `event-${at}`}
        onKeyDown={(event) => {
          const next = moved(event.key, at, lines.length);
          if (next === undefined || lines.length === 0) return;
          event.preventDefault();
          event.stopPropagation();
          setAt(next);
          select(lines[next]?.task);
        }}
      >
        <div class="tr th ecols" role="row" aria-rowindex={1}>
          <span class="r" role="columnheader">
            Time
          </span>
          <span role="columnheader">Event</span>
          <span role="columnheader">Task</span>
          <span role="columnheader">What happened</span>
        </div>
        <VirtualRows
          count={lines.length}
          rowHeight={32}
          scrollTo={at}
          row={(position, place) => {
            const line = lines[position];
            if (line === undefined) return null;
            const isOn = position === at || (line.task !== undefined && line.task === selected);
            return (
              <div
                key={line.sequence}
                class={`tr row ecols num${isOn ? ' on' : ''}`}
                id={`event-${position}`}
                style={place}
                role="row"
                aria-rowindex={position + 2}
                aria-selected={isOn}
                onClick={() => {
                  setAt(position);
                  if (line.task !== undefined) select(line.task);
                }}
              >
                <span role="gridcell" class="r mut">
                  {(line.at / 1_000).toFixed(2)} s
                </span>
                <span role="gridcell" class="mono mut">
                  {line.type}
                </span>
                <span role="gridcell" title={line.task}>
                  {line.task ?? ''}
                </span>
                <span role="gridcell" class={toneOf(line.type)} title={line.text}>
                  {line.text}
                </span>
              </div>
            );
          }}
        />
      </div>
    </div>
  );
}

function toneOf(type: string): string | undefined {
  if (/failed/.test(type)) return 'c-bad';
  if (/retry|resource_paused|budget/.test(type)) return 'c-warn';
  return /waiting/.test(type) ? 'c-hum' : undefined;
}
