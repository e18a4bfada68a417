import type { RunExtras } from '../src/model/extras.js';
import type { Figures as FiguresModel, RunModel, ShownStatus } from '../src/model/run-model.js';
import { count, dollars, duration, plural, roughDuration, tokens } from '../src/view/format.js';
import { BAR_ORDER, STATUS_WORDS } from '../src/view/words.js';

const BAR_COLORS: Readonly<Record<string, string>> = {
  completed: 'var(--ok)',
  failed: 'var(--bad)',
  running: 'var(--run)',
  retrying: 'var(--warn)',
  waiting: 'var(--hum)',
  skipped: 'var(--line2)',
  canceled: 'var(--line2)',
};

/** How many tasks have which status, as one bar. */
export function StatusBar({
  counts,
  total,
  height = 6,
}: Pick<FiguresModel, 'counts' | 'total'> & { height?: number }) {
  return (
    <div class="sbar" style={{ height: `${height}px` }}>
      {BAR_ORDER.map(
        (status) =>
          counts[status] > 0 && (
            <i
              key={status}
              style={{
                width: `${(100 * counts[status]) / total}%`,
                background: BAR_COLORS[status] as string,
              }}
            />
          ),
      )}
    </div>
  );
}

const NAMED: readonly ShownStatus[] = [
  'failed',
  'running',
  'retrying',
  'waiting',
  'skipped',
  'canceled',
];

/** "4 failed · 20 skipped" */
function countWords({ figures: { counts, total }, isLive }: RunModel): string {
  const parts = NAMED.filter((status) => counts[status] > 0).map((status) => {
    // Of an interrupted run, nothing runs any more.
    const word = status === 'running' && !isLive ? 'were running' : STATUS_WORDS[status];
    return `${count(counts[status])} ${word.toLowerCase()}`;
  });
  if (counts.completed === total) parts.push('all completed');
  else if (parts.length === 0) parts.push(`${count(counts.pending)} not started`);
  return parts.join(' · ');
}

function leftWords({ figures, status }: RunModel): string {
  if (figures.counts.waiting > 0 && figures.counts.running + figures.counts.retrying === 0) {
    return 'waiting for you';
  }
  if (status !== 'running') return 'not finished';
  return figures.leftMs === undefined
    ? 'no estimate yet'
    : `about ${roughDuration(figures.leftMs)} left`;
}

function limitWords(caps: RunModel['caps']): string {
  const limits = caps.map(([, cap]) => (cap === null ? 'none' : String(cap)));
  if (limits.length === 0 || limits.every((limit) => limit === 'none')) return 'no limit';
  return limits.length <= 4
    ? `limit ${limits.join(' → ')}`
    : `limit ${limits[0]} → … → ${limits.at(-1)}`;
}

/** The progress bar and six figures. */
export function Figures({
  model,
  now,
  extras,
}: {
  model: RunModel;
  now: number;
  extras: RunExtras;
}) {
  const { figures, isLive } = model;
  const { counts, total, costUsd, inputTokens, outputTokens } = figures;
  const hasTokens = inputTokens + outputTokens > 0;
  const rows: readonly (readonly [string, string, string, string])[] = [
    ['Completed', count(counts.completed), `of ${plural(total, 'task')}`, countWords(model)],
    [
      isLive ? 'Elapsed' : 'Duration',
      duration(now),
      '',
      isLive ? leftWords(model) : `${duration(figures.workMs)} one at a time`,
    ],
    ['Speed-up', ...speedWords(figures.speedup)],
    ['Parallel tasks', count(figures.peak), 'at peak', limitWords(model.caps)],
    hasTokens || isLive
      ? [
          'Tokens',
          tokens(inputTokens + outputTokens),
          isLive ? 'so far' : '',
          `${tokens(inputTokens)} in, ${tokens(outputTokens)} out`,
        ]
      : ['Tokens', '–', '', 'none reported'],
    costUsd === 0 && !hasTokens && !isLive
      ? ['Cost', '–', '', 'none reported']
      : ['Cost', costUsd === null ? '–' : dollars(costUsd), '', costWords(model, extras)],
  ];
  return (
    <>
      <div class="allbar" role="img" aria-label={`${counts.completed} of ${total} tasks completed`}>
        <StatusBar counts={counts} total={total} />
      </div>
      <dl class="kpis num">
        {rows.map(([name, value, unit, more]) => (
          <div class="kpi" key={name}>
            <dt>{name}</dt>
            <dd>
              {value} {unit !== '' && <small>{unit}</small>}
            </dd>
            <dd class="s" title={more}>
              {more}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** The value, the unit, and more words. */
function speedWords(speedup: number | undefined): [string, string, string] {
  if (speedup === undefined) return ['–', '', 'unknown: attempts were lost'];
  const factor = speedup.toFixed(1);
  const words =
    factor === '1.0'
      ? 'as fast as one at a time'
      : speedup < 1
        ? 'the speed of one at a time'
        : 'faster than one at a time';
  return [`${factor}×`, '', words];
}

function costWords({ figures, isLive }: RunModel, { pricesAsOf }: RunExtras): string {
  const { costUsd, counts } = figures;
  if (costUsd === null) return 'no price known';
  if (isLive) return 'so far';
  if (pricesAsOf !== undefined) return `prices of ${pricesAsOf}`;
  return `${dollars(costUsd / Math.max(1, counts.completed))} per task`;
}
