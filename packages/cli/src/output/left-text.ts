/** `about 20 s left`: rounded to 5 s below a minute, and to a minute below an hour. */
export function leftText(ms: number | undefined): string {
  if (ms === undefined) return '';
  const seconds = ms / 1000;
  if (seconds < 55) return `about ${Math.max(5, Math.ceil(seconds / 5) * 5)} s left`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `about ${minutes} m left`;
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} m left`;
}
