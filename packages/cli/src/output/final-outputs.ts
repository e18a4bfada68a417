import type { OutputFlags } from '../options/page-flags.js';
import type { DisplayableRun } from './displayable-run.js';
import { forTerminal, idOnOneLine } from './terminal-text.js';

/** More outputs than this are counted instead of shown. */
const MAX_OUTPUTS = 50;

/**
 * The results of a run. One alone is printed as it is; of several, each has its name above it. A file gets each
 * output character by character.
 */
export function finalOutputs(
  { planOutputs }: Pick<DisplayableRun, 'planOutputs'>,
  { output: file = '-' }: OutputFlags = {},
): string {
  const shown = file === '-' ? forTerminal : (text: string) => text;
  const final = Object.entries(planOutputs);
  const [only] = final;
  if (only === undefined) return '';
  if (final.length === 1) return `${shown(asText(only[1]))}\n`;
  const parts = final
    .slice(0, MAX_OUTPUTS)
    .map(([id, output]) => `${idOnOneLine(id)}\n${shown(asText(output))}`);
  if (final.length > MAX_OUTPUTS) {
    parts.push(`… and ${final.length - MAX_OUTPUTS} more outputs (use --json to see all)`);
  }
  return `${parts.join('\n\n')}\n`;
}

function asText(output: unknown): string {
  return typeof output === 'string'
    ? output
    : (JSON.stringify(output, undefined, 2) ?? String(output));
}
