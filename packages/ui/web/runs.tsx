import { useMemo, useState } from 'preact/hooks';
import { count, dollars, duration, moment, plural } from '../src/view/format.js';
import { StatusBar } from './figures.js';
import { Glyph, runStatus, runWord } from './glyph.js';
import type { RunEntry } from './source.js';

const COLUMNS = [
  ['Status', 'sr'],
  ['Goal', ''],
  ['Status', ''],
  ['Tasks', ''],
  ['Duration', 'r'],
  ['Running at once', ''],
  ['Speed-up', 'r'],
  ['Cost', 'r'],
] as const;

/** The list of all runs, the newest first. */
export function Runs({
  runs,
  journal = 'this process',
  open,
}: {
  runs: readonly RunEntry[];
  journal: string | undefined;
  open: (run: string) => void;
}) {
  const [query, setQuery] = useState('');
  const shown = useMemo(() => {
    const text = query.trim().toLowerCase();
    return runs.filter(({ id, goal }) => `${id} ${goal}`.toLowerCase().includes(text));
  }, [runs, query]);
  if (runs.length === 0) return <NoRuns journal={journal} />;
  const all = runs.reduce((sum, { summary }) => sum + (summary?.durationMs ?? 0), 0);
  return (
    <main class="wrap">
      <div class="title">
        <h1>Runs</h1>
        <div class="acts">
          <input
            class="inp"
            id="search"
            type="search"
            placeholder="Search goals and run ids"
            aria-label="Search goals and run ids"
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
        </div>
      </div>
      <div class="meta num">
        <span>
          {plural(runs.length, 'run')} in {journal}
        </span>
        {all > 0 && <span>{duration(all)} in all</span>}
      </div>
      <div class="tbl runs" role="table" aria-label="Runs">
        <div class="tr th rcols" role="row">
          {COLUMNS.map(([name, kind], index) => (
            <span role="columnheader" class={kind === 'r' ? 'r' : undefined} key={index}>
              {kind === 'sr' ? <span class="sr">{name}</span> : name}
            </span>
          ))}
        </div>
        {shown.map((run) => (
          <Entry key={run.id} run={run} open={open} />
        ))}
        {shown.length === 0 && (
          <div role="row">
            <p role="cell" class="mut no-match">
              No run matches.
            </p>
          </div>
        )}
      </div>
    </main>
  );
}

function Entry({ run, open }: { run: RunEntry; open: (run: string) => void }) {
  const { id, goal, status, startedAt, summary } = run;
  const waiting = summary?.counts.waiting ?? 0;
  return (
    <div class="tr row rcols run num" role="row" onClick={() => open(id)}>
      <span role="cell">
        <Glyph status={runStatus(status, waiting)} />
      </span>
      <span role="cell" class="run-name">
        <a
          href={`#run=${encodeURIComponent(id)}`}
          onClick={(event) => {
            event.stopPropagation();
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            open(id);
          }}
        >
          {goal}
        </a>
        <span class="dim">
          {moment(startedAt, 'UTC').slice(0, -3)} · {id.slice(0, 8)}
          {summary && ` · ${summary.strategy}`}
        </span>
      </span>
      <span role="cell" class="mut">
        {runWord(status, waiting)}
      </span>
      <span role="cell">
        <span>
          {count(summary?.counts.completed ?? run.completed)}
          <span class="dim"> of {count(summary?.total ?? run.total)}</span>
        </span>
        {summary && <StatusBar counts={summary.counts} total={summary.total} height={4} />}
      </span>
      <span role="cell" class="r">
        {duration(summary?.durationMs)}
      </span>
      <span role="cell">{summary && <Spark values={summary.spark} peak={summary.peak} />}</span>
      <span role="cell" class="r">
        {summary?.speedup === undefined ? '–' : `${summary.speedup.toFixed(1)}×`}
      </span>
      <span role="cell" class="r">
        {summary === undefined || summary.costUsd === null ? '–' : dollars(summary.costUsd)}
      </span>
    </div>
  );
}

const SPARK = { width: 160, height: 22 };

function Spark({ values, peak }: { values: readonly number[]; peak: number }) {
  const step = SPARK.width / values.length;
  return (
    <svg {...SPARK} aria-hidden="true">
      {values.map((value, index) => {
        const height = (value / Math.max(1, peak)) * SPARK.height;
        const place = { x: index * step, y: SPARK.height - height };
        return (
          <rect key={index} {...place} width={step - 0.8} height={height} fill="var(--run-t)" />
        );
      })}
    </svg>
  );
}

const DASHED = { fill: 'none', stroke: 'var(--line2)', 'stroke-dasharray': '3 3' };

function NoRuns({ journal }: { journal: string }) {
  return (
    <main class="empty">
      <svg width="72" height="48" viewBox="0 0 72 48" aria-hidden="true">
        <rect x="2" y="4" width="28" height="10" rx="3" fill="var(--off-t)" />
        <rect x="20" y="19" width="28" height="10" rx="3" fill="var(--line)" />
        <rect x="42" y="34" width="28" height="10" rx="3" {...DASHED} />
      </svg>
      <h1>No runs yet</h1>
      <p class="mut">
        Runs appear here as soon as they start. This page reads the journal in {journal}.
      </p>
      <div class="pre">
        {'stratagem run plan.yaml --ui\nstratagem run --goal "Compare three databases" --ui'}
      </div>
    </main>
  );
}
