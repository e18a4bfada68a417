import { useMemo } from 'preact/hooks';
import type { ShownStatus } from '../src/model/run-model.js';
import { type GraphNode, layoutGraph, NODE_HEIGHT, NODE_WIDTH } from '../src/view/graph-layout.js';
import { nodeName, nodeWords } from '../src/view/node-words.js';
import { countStatuses, type RunView } from '../src/view/run-view.js';
import { statusOf } from '../src/view/timeline-layout.js';
import { BAR_ORDER, STATUS_WORDS } from '../src/view/words.js';
import { Glyph } from './glyph.js';
import { useWidth } from './use-width.js';

/** The graph is never drawn smaller than this. */
const LEAST_SCALE = 0.62;

export interface GraphProps {
  readonly view: RunView;
  readonly open: ReadonlySet<string>;
  readonly selected?: string | undefined;
  readonly select: (task: string) => void;
  readonly toggle: (fold: string) => void;
  readonly showLevel: () => void;
}

export function Graph(props: GraphProps) {
  const { view, open } = props;
  const [ref, room] = useWidth<HTMLDivElement>();
  const { width, height, nodes, edges, isByLevel } = useMemo(
    () => layoutGraph(view, open),
    [view.model, open],
  );
  const scale = room === 0 ? 1 : Math.min(1, Math.max(LEAST_SCALE, (room - 4) / width));
  return (
    <div class="graph" ref={ref}>
      <svg
        width={width * scale}
        height={height * scale}
        viewBox={`0 0 ${width} ${height}`}
        role="group"
        aria-label={`Graph with ${nodes.length} nodes; ${view.model.tasks.length} tasks`}
      >
        <g>
          {edges.map(({ from, to, path, isCritical, count }) => (
            <path key={`${from} ${to}`} class={isCritical ? 'edge crit' : 'edge'} d={path}>
              <title>
                {from} → {to}
                {count > 1 && ` (${count} dependencies)`}
              </title>
            </path>
          ))}
        </g>
        {nodes.map((node) => (
          <Node key={node.fold.id} node={node} isByLevel={isByLevel} {...props} />
        ))}
      </svg>
    </div>
  );
}

const BAR_COLORS: Readonly<Record<ShownStatus, string>> = {
  ...{ completed: 'var(--ok)', failed: 'var(--bad)', running: 'var(--run)' },
  ...{ retrying: 'var(--warn)', waiting: 'var(--hum)', skipped: 'var(--line2)' },
  ...{ canceled: 'var(--line2)', pending: 'var(--off-t)' },
};

function Node({
  node: { fold, x, y },
  isByLevel,
  view,
  selected,
  select,
  toggle,
  showLevel,
}: GraphProps & { node: GraphNode; isByLevel: boolean }) {
  const { tasks, kind, isOpen = false, group } = fold;
  const isTask = kind === 'task';
  const status = statusOf(fold);
  const counts = countStatuses(tasks);
  const isCritical = tasks.some((task) => task.isCritical) || group?.isCritical === true;
  const isSelected = isTask ? tasks[0]?.id === selected : false;
  const { text, isBad } = nodeWords(fold, view.now);
  const use = () => {
    if (isTask) select(tasks[0]?.id as string);
    else if (isByLevel) showLevel();
    else toggle(fold.id);
  };
  const described = isTask
    ? STATUS_WORDS[status]
    : Object.entries(counts)
        .map(([each, amount]) => `${amount} ${STATUS_WORDS[each as ShownStatus].toLowerCase()}`)
        .join(', ');
  let offset = 0;
  return (
    <g
      class={`node${isCritical ? ' crit' : ''}${isSelected ? ' on' : ''}`}
      transform={`translate(${x - NODE_WIDTH / 2},${y - NODE_HEIGHT / 2})`}
      tabindex={0}
      role="button"
      aria-description={`${described}${isCritical ? ', on the critical path' : ''}`}
      aria-expanded={isTask || isByLevel ? undefined : isOpen}
      onClick={use}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        use();
      }}
    >
      {!isTask && !isOpen && (
        <>
          <rect
            class="b"
            x="6"
            y="6"
            width={NODE_WIDTH}
            height={NODE_HEIGHT}
            rx="8"
            opacity=".55"
          />
          <rect class="b" x="3" y="3" width={NODE_WIDTH} height={NODE_HEIGHT} rx="8" opacity=".8" />
        </>
      )}
      <rect class="b" width={NODE_WIDTH} height={NODE_HEIGHT} rx="8" />
      <title>{isTask ? fold.label : `${fold.label}, ${tasks.length} tasks`}</title>
      <g transform="translate(12,11)">
        <Glyph status={status} size={14} />
      </g>
      <text x="34" y="23">
        {nodeName(fold)}
      </text>
      {!isTask && (
        <text class="s num" x="160" y="22.5" text-anchor="end">
          ×{tasks.length}
        </text>
      )}
      {isTask ? (
        <text class={isBad ? 's num bad' : 's num'} x="34" y="40">
          {text}
        </text>
      ) : (
        <>
          <g transform="translate(34,34)">
            {[...BAR_ORDER, 'pending' as const].map((each) => {
              const amount = counts[each];
              if (amount === undefined) return null;
              const width = (64 * amount) / tasks.length;
              offset += width;
              return (
                <rect
                  key={each}
                  x={offset - width}
                  width={Math.max(2, width - 1)}
                  height="6"
                  rx="1.5"
                  fill={BAR_COLORS[each]}
                />
              );
            })}
          </g>
          <text class={isBad ? 's num bad' : 's num'} x="160" y="41" text-anchor="end">
            {text}
          </text>
        </>
      )}
    </g>
  );
}
