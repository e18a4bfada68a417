import { useEffect, useMemo, useState } from 'preact/hooks';
import { compareRuns, type FigureRow } from '../src/view/compare.js';
import { count, dollars, duration, moment } from '../src/view/format.js';
import { type RunView, viewOf } from '../src/view/run-view.js';
import type { Theme } from '../src/view/surface.js';
import { RUN_WORDS } from '../src/view/words.js';
import type { RunEntry, ShownRun, Source } from './source.js';
import { Timeline } from './timeline.js';

const NONE: ReadonlySet<string> = new Set();

export interface CompareProps {
  readonly view: RunView;
  readonly runKey: string;
  readonly source: Source;
  readonly theme: Theme;
  readonly other: string | undefined;
  readonly choose: (key: string) => void;
}

/** Two runs on one axis of time, their figures, and the tasks that changed most. */
export function Compare({ view, runKey, source, theme, other, choose }: CompareProps) {
  const entries = useEntries(source);
  const choices = source.isServed ? entries.filter(({ id }) => id !== runKey) : [];
  const otherKey = other ?? source.keys.find((key) => key !== runKey);
  const shown = useRun(source, otherKey);
  return (
    <div>
      {source.isServed && (
        <div class="bar">
          <label class="mut" for="compare-with">
            Compare with
          </label>
          <select
            id="compare-with"
            class="inp"
            value={otherKey ?? ''}
            onChange={(event) => choose(event.currentTarget.value)}
          >
            <option value="" disabled>
              Choose a run
            </option>
            {choices.map(({ id, goal, status, startedAt }) => (
              <option key={id} value={id}>
                {id.slice(0, 8)} · {moment(startedAt, 'UTC').slice(0, -3)} ·{' '}
                {RUN_WORDS[status].toLowerCase()} · {goal.slice(0, 60)}
              </option>
            ))}
          </select>
        </div>
      )}
      {shown === undefined ? (
        <p class="mut no-match">
          {otherKey === undefined ? 'Choose another run to compare this one with.' : 'Loading…'}
        </p>
      ) : (
        <Pair a={viewOf(shown.model)} b={view} theme={theme} />
      )}
    </div>
  );
}

function useEntries(source: Source): readonly RunEntry[] {
  const [entries, setEntries] = useState<readonly RunEntry[]>([]);
  useEffect(() => source.watchRuns(setEntries, { connection: () => {} }), [source]);
  return entries;
}

function useRun(source: Source, key: string | undefined): ShownRun | undefined {
  const [run, setRun] = useState<ShownRun | undefined>();
  useEffect(() => {
    setRun(undefined);
    if (key === undefined) return undefined;
    const nothing = () => {};
    return source.watch(key, { run: setRun, missing: nothing, connection: nothing });
  }, [source, key]);
  return run;
}

function limits({ model: { caps } }: RunView): string {
  const words = caps.map(([, cap]) => (cap === null ? 'none' : String(cap)));
  return words.length === 0 ? 'no limit' : `limit ${words.slice(0, 5).join(' → ')}`;
}

/** Which run it is, and what set it apart. */
function RunName({
  letter,
  view,
  isThis = false,
}: {
  letter: string;
  view: RunView;
  isThis?: boolean;
}) {
  const { model, now } = view;
  const id = model.runId?.slice(0, 8);
  const names = [isThis ? 'this run' : 'the other run', id, moment(model.startedAt, 'UTC')];
  const facts = [RUN_WORDS[model.status].toLowerCase(), limits(view), duration(now)];
  return (
    <>
      <span class="h2">{letter}</span>
      <span class="mut num">
        {[...names, ...facts].filter((each) => each !== undefined).join(' · ')}
      </span>
    </>
  );
}

function Pair({ a, b, theme }: { a: RunView; b: RunView; theme: Theme }) {
  const { figures, changes } = useMemo(() => compareRuns(a, b), [a.model, b.model]);
  const whole = Math.max(a.now, b.now, 1);
  const still = { mode: 'slots', theme, whole, open: NONE, maxHeight: 190, isStill: true } as const;
  return (
    <>
      <div class="bar tight">
        <RunName letter="A" view={a} />
      </div>
      <Timeline view={a} window={[0, whole]} {...still} />
      <div class="bar tight">
        <RunName letter="B" view={b} isThis />
        <span class="grow" />
        <span class="dim">same time axis</span>
      </div>
      <Timeline view={b} window={[0, whole]} {...still} />
      <div class="cmp">
        <div>
          <h2 class="h2">Figures</h2>
          <table class="ct num">
            <Heads names={['Figure', 'A', 'B', 'B against A']} />
            <tbody>
              {figures.map((row) => (
                <tr key={row.name}>
                  <th scope="row">{row.name}</th>
                  <td>{figureText(row, row.a)}</td>
                  <td>{figureText(row, row.b)}</td>
                  <td>
                    <Difference {...row} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div>
          <h2 class="h2">Tasks that changed most</h2>
          <table class="ct num">
            <Heads names={['Task', 'A', 'B', 'Difference']} />
            <tbody>
              {changes.map(({ id, aMs, bMs }) => (
                <tr key={id}>
                  <th scope="row" class="name">
                    {id}
                  </th>
                  <td>{duration(aMs)}</td>
                  <td>{duration(bMs)}</td>
                  <td class={bMs < aMs ? 'up' : 'down'}>
                    {bMs < aMs ? '−' : '+'}
                    {duration(Math.abs(bMs - aMs))}{' '}
                    <span class="w">{bMs < aMs ? 'faster' : 'slower'}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {changes.length === 0 && (
            <p class="mut no-match">No task took more or less time than in the other run.</p>
          )}
        </div>
      </div>
    </>
  );
}

function Heads({ names }: { names: readonly string[] }) {
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th scope="col" key={name}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function figureText({ unit }: FigureRow, value: number | undefined): string {
  if (value === undefined) return '–';
  switch (unit) {
    case 'ms':
      return duration(value);
    case 'times':
      return `${value.toFixed(1)}×`;
    case 'usd':
      return dollars(value);
    case 'count':
      return count(value);
  }
}

function Difference({ a, b, isLessBetter }: FigureRow) {
  if (a === undefined || b === undefined) return <span class="dim">unknown</span>;
  const change = a === 0 ? Number.POSITIVE_INFINITY : (100 * (b - a)) / a;
  if (a === b || Math.abs(change) < 0.5) return <span class="dim">same</span>;
  const isBetter = isLessBetter ? b < a : b > a;
  const text = a === 0 ? 'new' : `${b > a ? '+' : '−'}${Math.abs(Math.round(change))} %`;
  return (
    <span class={isBetter ? 'up' : 'down'}>
      {text} <span class="w">{isBetter ? 'better' : 'worse'}</span>
    </span>
  );
}
