import type { ComponentChildren } from 'preact';
import type { ModelStatus, ShownStatus } from '../src/model/run-model.js';
import { RUN_WORDS, STATUS_WORDS } from '../src/view/words.js';

const LINE = {
  fill: 'none',
  stroke: 'currentColor',
  'stroke-width': 1.75,
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round',
} as const;
const ON_FILL = { ...LINE, stroke: 'var(--bg)' } as const;

const SHAPES: Readonly<Record<ShownStatus, ComponentChildren>> = {
  completed: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="M4.9 8.2l2.2 2.2 4.1-4.5" {...ON_FILL} />
    </>
  ),
  failed: (
    <>
      <rect x="1.2" y="1.2" width="13.6" height="13.6" rx="3" fill="currentColor" />
      <path d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" {...ON_FILL} />
    </>
  ),
  running: (
    <>
      <circle cx="8" cy="8" r="6.1" {...LINE} />
      <path d="M8 8V1.9A6.1 6.1 0 0 1 14.1 8z" fill="currentColor" />
    </>
  ),
  waiting: (
    <>
      <path d="M8 1L15 8L8 15L1 8z" fill="currentColor" />
      <path d="M6.6 5.9v4.2M9.4 5.9v4.2" {...ON_FILL} />
    </>
  ),
  retrying: <path d="M13.6 8a5.6 5.6 0 1 1-1.7-4M13.9 1.6v3h-3" {...LINE} />,
  skipped: (
    <>
      <circle cx="8" cy="8" r="6.3" {...LINE} stroke-width="1.3" stroke-dasharray="2.2 2.2" />
      <path d="M5 8h6" {...LINE} />
    </>
  ),
  canceled: (
    <>
      <circle cx="8" cy="8" r="6.2" {...LINE} stroke-width="1.4" />
      <path d="M3.8 12.2l8.4-8.4" {...LINE} stroke-width="1.4" />
    </>
  ),
  pending: <circle cx="8" cy="8" r="5.6" {...LINE} stroke-width="1.4" />,
};

/** A status as a shape and a colour. The word stands beside it, or is hidden text. */
export function Glyph({ status, size = 16 }: { status: ShownStatus; size?: number }) {
  const pulse = status === 'running' || status === 'waiting' ? ' pulse' : '';
  return (
    <svg
      class={`g ${status}${pulse}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      {SHAPES[status]}
    </svg>
  );
}

export function Pill({ status, children }: { status: ShownStatus; children?: ComponentChildren }) {
  return (
    <span class={`pill ${status}`}>
      <Glyph status={status} size={13} />
      {children ?? STATUS_WORDS[status]}
    </span>
  );
}

const RUN_STATUS: Readonly<Record<ModelStatus, ShownStatus>> = {
  created: 'pending',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  canceled: 'canceled',
  interrupted: 'canceled',
  queued: 'pending',
};

/** The status of a run as that of a task. A question comes first: a pause does not answer it. */
export function runStatus(status: ModelStatus, waiting = 0, isPaused = false): ShownStatus {
  if (status === 'running' && waiting === 0 && isPaused) return 'pending';
  return status === 'running' && waiting > 0 ? 'waiting' : RUN_STATUS[status];
}

export function runWord(status: ModelStatus, waiting = 0, isPaused = false): string {
  if (status === 'running' && waiting > 0) return STATUS_WORDS.waiting;
  return isPaused ? 'Paused' : RUN_WORDS[status];
}
