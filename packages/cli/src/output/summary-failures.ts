import type { RunAnalysis } from '@stratagem/core/analysis';
import { type Canvas, wrapped } from './canvas.js';
import { causeText } from './labels.js';
import { plural } from './plural.js';
import { onOneLine, padTo, widthOf } from './terminal-text.js';

const MAX_CAUSES = 6;

/** The failures by cause, in at most `room` lines. */
export function failureLines({ failures }: RunAnalysis, canvas: Canvas, room: number): string[] {
  if (failures.length === 0) return [];
  const lines = ['', ` ${canvas.style('bold', 'What failed')}`];
  const free = Math.max(1, room - lines.length);
  const hasIds = Math.min(failures.length, MAX_CAUSES) * 2 <= free;
  const isCut = failures.length > Math.min(MAX_CAUSES, free);
  // A second line for a long cause, as far as there is room.
  let spare = hasIds ? free - failures.length * 2 : 0;
  const shown = isCut ? Math.max(1, Math.min(MAX_CAUSES, free) - 1) : failures.length;
  for (const failure of failures.slice(0, shown)) {
    const count = `${failure.taskIds.length}×`.padStart(5);
    const room = canvas.width - 8;
    const ids = hasIds ? '' : `${idList(failure.taskIds, Math.floor(room / 3))}  `;
    const [cause = '', ...more] = wrapped(
      causeText(failure),
      room - widthOf(ids),
      spare > 0 ? 2 : 1,
    );
    spare -= more.length;
    lines.push(` ${canvas.style('red', count)}  ${canvas.style('dim', ids)}${cause}`);
    lines.push(...more.map((line) => `        ${line}`));
    if (hasIds) lines.push(`        ${affected(failure, canvas)}`);
  }
  if (isCut) lines.push(`        and ${plural(failures.length - shown, 'more cause')}`);
  return lines;
}

/** `profile[7], profile[23] and 2 more` and, at the right, what it led to. */
function affected(
  { taskIds, skipped, tolerated, attempts }: RunAnalysis['failures'][number],
  { style, width }: Canvas,
): string {
  const effects = [
    attempts > 1 ? `up to ${attempts} attempts` : '',
    tolerated > 0 ? 'tolerated' : '',
    skipped > 0 ? `${plural(skipped, 'task')} skipped` : '',
  ].filter((effect) => effect !== '');
  const all = effects.join(', ');
  const effect = width - 8 - widthOf(all) < 18 ? '' : all;
  const room = width - 8 - (effect === '' ? 0 : widthOf(effect) + 2);
  const ids = idList(taskIds, room);
  return effect === '' ? style('dim', ids) : `${style('dim', padTo(ids, room))}  ${effect}`;
}

/** As many ids as fit, and how many more there are. */
function idList(ids: readonly string[], width: number): string {
  let text = '';
  for (const [position, id] of ids.entries()) {
    const left = ids.length - position - 1;
    const more = left > 0 ? ` and ${left} more` : '';
    const next = `${text}${position > 0 ? ', ' : ''}${onOneLine(id, 40)}`;
    if (widthOf(next) + more.length > width && position > 0) {
      return onOneLine(`${text} and ${ids.length - position} more`, width);
    }
    text = next;
  }
  return onOneLine(text, width);
}
