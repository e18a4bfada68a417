import { parseDuration } from '../util/duration.js';

/** The short unit for each word. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(ms|milli)/i, 'ms'],
  [/^(us|µs|ns)$/, ''],
  [/^s/i, 's'],
  [/^m/i, 'm'],
  [/^h/i, 'h'],
  [/^d/i, 'd'],
];
const UNIT = 'milliseconds?|ms|us|µs|ns|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d';
/** An amount with its unit, and what may stand before the next one. */
const PART = `\\d+(?:\\.\\d+)? ?(?:${UNIT})(?![a-z])(?:,? and |,? )?`;
const DURATION = new RegExp(`^\\s*(?:${PART}){1,6}\\s*$`, 'i');
const AMOUNT = new RegExp(`(\\d+(?:\\.\\d+)?) ?(${UNIT})(?![a-z])`, 'gi');
/** `00:02:30` */
const CLOCK = '\\d{1,3}:\\d\\d:\\d\\d';
/** "Please try again in 7.66s.", "retry after 26 seconds", "Quota will be replenished in 00:02:30." */
const WAIT = new RegExp(
  '\\b(?:try(?:ing)? again|retry(?:ing)?|wait|replenished|resets?)(?: your request)?(?: in| after| for)? ' +
    `(?:about )?(${CLOCK}|(?:${PART}){1,6})`,
  'i',
);

/** A duration such as `1m30s` or `1 hour 4 minutes`, in milliseconds. */
export function durationInWords(text: string): number | undefined {
  return DURATION.test(text) ? sumOf(text) : undefined;
}

/** The wait that a message asks for, in milliseconds. */
export function waitInWords(message: string): number | undefined {
  const [, amount] = WAIT.exec(message.slice(0, 2_000)) ?? [];
  if (amount === undefined) return undefined;
  if (!amount.includes(':')) return sumOf(amount);
  const [hours = 0, minutes = 0, seconds = 0] = amount.split(':').map(Number);
  return (hours * 3_600 + minutes * 60 + seconds) * 1_000;
}

function sumOf(text: string): number {
  const parts = [...text.matchAll(AMOUNT)].map(([, count, unit = '']) => {
    const [, short] = UNITS.find(([words]) => words.test(unit)) ?? [];
    return `${count}${short || unit}`;
  });
  return parseDuration(parts.join(''));
}
