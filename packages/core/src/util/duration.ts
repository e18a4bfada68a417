const UNITS_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};
const PART = /(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)/g;

/** A duration such as `12ms`, `7.66s` or `1h2m3s`, in milliseconds; NaN for any other text. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(PART)];
  if (text === '' || parts.map(([part]) => part).join('') !== text) return Number.NaN;
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit as string] as number),
    0,
  );
}

/** The time until a Unix time in seconds or milliseconds; undefined for a number that is too small for one. */
export function waitUntil(time: number, now: number): number | undefined {
  if (time < 1e9) return undefined;
  return Math.max(0, (time >= 1e12 ? time : time * 1_000) - now);
}
