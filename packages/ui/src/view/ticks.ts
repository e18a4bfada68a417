/** The distances between ticks, in milliseconds: 1-2-5 of a unit that people count in. */
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1_000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 6, 12, 24].map((hours) => hours * 3_600_000),
];

/** The distance between ticks that are at least `gap` pixels apart. */
export function tickStep(spanMs: number, width: number, gap = 92): number {
  const step = STEPS.find((each) => (each / spanMs) * width >= gap);
  if (step !== undefined) return step;
  const days = Math.ceil((gap * spanMs) / width / 86_400_000);
  return days * 86_400_000;
}

/** "0", "10 s", "1 m 10 s". */
export function tickLabel(ms: number, step: number): string {
  if (ms === 0) return '0';
  if (step < 100 && ms < 1_000) return `${ms} ms`;
  if (ms < 60_000)
    return `${step < 1_000 ? (ms / 1_000).toFixed(step < 100 ? 2 : 1) : ms / 1_000} s`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1_000;
  const parts = [
    ...(hours > 0 ? [`${hours} h`] : []),
    ...(minutes > 0 ? [`${minutes} m`] : []),
    ...(seconds > 0 ? [`${Number(seconds.toFixed(2))} s`] : []),
  ];
  return parts.join(' ');
}
