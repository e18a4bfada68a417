import { useEffect, useRef } from 'preact/hooks';
import type { RunModel } from '../src/model/run-model.js';
import { plural } from '../src/view/format.js';
import { runWord } from './glyph.js';

/** Changes are spoken at most this often; failures, questions and the end at once. */
const QUIET_MS = 5_000;

interface Said {
  readonly at: number;
  readonly text: string;
  readonly failed: number;
  readonly waiting: number;
  readonly live: boolean;
}

/** Tells screen readers how a run goes on. */
export function useAnnouncements(model: RunModel): void {
  const last = useRef<Said | undefined>(undefined);
  useEffect(() => {
    const { completed, failed, waiting } = model.figures.counts;
    const before = last.current;
    const text = model.isLive
      ? [
          `${completed} of ${model.figures.total} completed`,
          ...(failed > 0 ? [`${failed} failed`] : []),
          ...(waiting > 0 ? [`${plural(waiting, 'question')} for you`] : []),
        ].join(', ')
      : runWord(model.status);
    const state = { text, failed, waiting, live: model.isLive };
    // What the page opens with is read as the page.
    if (before === undefined) {
      last.current = { ...state, at: performance.now() };
      return;
    }
    const isUrgent =
      failed > before.failed || waiting > before.waiting || model.isLive !== before.live;
    if (text === before.text || (!isUrgent && performance.now() - before.at < QUIET_MS)) return;
    last.current = { ...state, at: performance.now() };
    say(text, isUrgent);
  }, [model]);
}

function say(text: string, isUrgent: boolean): void {
  const id = isUrgent ? 'say-now' : 'say';
  let region = document.getElementById(id);
  if (region === null) {
    region = document.createElement('div');
    region.id = id;
    region.className = 'sr';
    region.setAttribute('role', isUrgent ? 'alert' : 'status');
    document.body.append(region);
  }
  region.textContent = text;
}
