/** A duration in thin words: "969 ms", "4.3 s", "1 m 19 s", "1 h 15 m". */
export function duration(ms: number | undefined): string {
  if (ms === undefined || Number.isNaN(ms)) return '–';
  if (ms < 0.5) return '0 s';
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const two = (count: number) => String(count).padStart(2, '0');
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

/** A rough duration, for what will come: "20 s", "3 m", "1 h 10 m". */
export function roughDuration(ms: number): string {
  if (ms < 57_500) return `${Math.max(5, Math.round(ms / 5_000) * 5)} s`;
  const minutes = Math.max(1, Math.round(ms / 60_000));
  return minutes < 60 ? `${minutes} m` : `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

/** A count with separators: "10,003". */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Tokens: exact below 10,000, then "12.4k". */
export function tokens(value: number): string {
  if (value < 10_000) return count(value);
  return value < 999_950 ? `${(value / 1_000).toFixed(1)}k` : `${(value / 1e6).toFixed(2)}M`;
}

/** US dollars: "$0.087", "<$0.001". */
export function dollars(value: number): string {
  if (value === 0) return '$0';
  if (value > 0 && value < 0.0005) return '<$0.001';
  return value < 1 ? `$${value.toFixed(3)}` : `$${value.toFixed(2)}`;
}

/** A whole percentage; "<1 %" for less than one. */
export function percent(part: number, whole: number): string {
  const value = whole === 0 ? 0 : (100 * part) / whole;
  return value > 0 && value < 1 ? '<1 %' : `${Math.round(value)} %`;
}

/** A size: "48 KB", "1.2 MB". */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} bytes`;
  return value < 999_500 ? `${Math.round(value / 1_000)} KB` : `${(value / 1e6).toFixed(1)} MB`;
}

/** A moment: "29 Nov 2026, 21:57:28". */
export function moment(unixMs: number, timeZone?: string): string {
  return new Date(unixMs).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    ...(timeZone !== undefined && { timeZone }),
  });
}

/** "1 task", "2 tasks". */
export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}
