import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Theme } from '../src/view/surface.js';
import type { TimelineMode } from '../src/view/timeline-layout.js';

export const TABS = ['timeline', 'graph', 'tasks', 'events', 'compare'] as const;
export type Tab = (typeof TABS)[number];

/** What the page shows; all of it is in the address, so that a link restores the exact view. */
export interface Place {
  readonly run?: string | undefined;
  readonly tab: Tab;
  readonly mode?: TimelineMode | undefined;
  readonly task?: string | undefined;
  /** The window of the timeline. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly theme?: Theme | undefined;
  /** The run that this one is compared with. */
  readonly with?: string | undefined;
  /** Folds that are shown unfolded. */
  readonly open: readonly string[];
}

export function readPlace(hash: string): Place {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const one = <Name extends string>(name: string, names: readonly Name[]): Name | undefined =>
    names.find((each) => each === fields.get(name));
  const time = (name: string) => {
    const value = Number(fields.get(name) ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  return {
    run: fields.get('run') ?? undefined,
    tab: one('tab', TABS) ?? 'timeline',
    mode: one('mode', ['groups', 'tasks', 'slots']),
    task: fields.get('task') ?? undefined,
    from: time('from'),
    to: time('to'),
    theme: one('theme', ['light', 'dark']),
    with: fields.get('with') ?? undefined,
    open: fields.getAll('open'),
  };
}

export function writePlace(place: Place): string {
  const fields = new URLSearchParams();
  const { open, tab, from, to, ...rest } = place;
  for (const [name, value] of Object.entries(rest))
    if (value !== undefined) fields.set(name, value);
  if (tab !== 'timeline') fields.set('tab', tab);
  if (from !== undefined && to !== undefined) {
    fields.set('from', String(Math.round(from)));
    fields.set('to', String(Math.round(to)));
  }
  for (const id of open) fields.append('open', id);
  const text = fields.toString();
  return text === '' ? '#' : `#${text}`;
}

export type Go = (change: Partial<Place>, options?: { readonly replace?: boolean }) => void;

/** The place, and how to change it. Back and Forward work. */
export function usePlace(): [Place, Go] {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const read = () => setPlace(readPlace(location.hash));
    addEventListener('popstate', read);
    addEventListener('hashchange', read);
    return () => {
      removeEventListener('popstate', read);
      removeEventListener('hashchange', read);
    };
  }, []);
  const go = useCallback<Go>((change, { replace = false } = {}) => {
    const next = { ...readPlace(location.hash), ...change };
    const hash = writePlace(next);
    if (hash === location.hash) return;
    if (replace) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
    setPlace(next);
  }, []);
  return [place, go];
}
