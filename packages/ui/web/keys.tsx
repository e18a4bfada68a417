import { useEffect, useRef } from 'preact/hooks';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search'],
  ['1 – 5', 'tabs'],
  ['j, k or ↓, ↑', 'next and previous task'],
  ['Enter', 'open the task'],
  ['Esc', 'close'],
  ['f', 'next failure'],
  ['c', 'next on the critical path'],
  ['+, −, 0', 'zoom in, out, whole run'],
  ['g', 'groups, tasks, slots'],
  ['p', 'pause or continue (live)'],
  ['t', 'light or dark'],
  ['?', 'this list'],
];

/** Calls a handler for each key that is not typed into a field. */
export function useKeys(handle: (key: string, event: KeyboardEvent) => boolean): void {
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target as HTMLElement;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) {
        if (event.key === 'Escape') target.blur();
        return;
      }
      if (document.querySelector('dialog[open]') !== null) return;
      if (latest.current(event.key, event)) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

export function KeysDialog({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <>
            <dt class="mono">{key}</dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <div class="acts">
        <button type="button" class="btn" onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}
