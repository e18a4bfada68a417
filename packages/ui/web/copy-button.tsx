import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

/** Copies a text; says so for a moment. */
export function CopyButton({
  text,
  children,
  ...rest
}: {
  text: string | (() => Promise<string>);
  children: ComponentChildren;
  class?: string;
}) {
  const [said, setSaid] = useState<string | undefined>();
  const copy = async () => {
    try {
      await writeText(typeof text === 'string' ? text : await text());
      setSaid('Copied');
    } catch {
      setSaid('Not copied');
    }
    setTimeout(() => setSaid(undefined), 1_600);
  };
  return (
    <button type="button" {...rest} onClick={copy}>
      <span aria-live="polite">{said ?? children}</span>
    </button>
  );
}

/** A file that was opened from a disk has no clipboard: select and copy instead. */
async function writeText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return;
    } catch {
      // Not allowed here: the other way is tried.
    }
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) throw new Error('not copied');
}
