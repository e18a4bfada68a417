const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of a share of a width in columns; at least a sliver for a share above 0. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const shown = share > 0 ? Math.max(1, eighths) : 0;
  return '█'.repeat(Math.floor(shown / 8)) + (EIGHTHS[shown % 8] as string);
}

/**
 * Divides a width among amounts in proportion. Each amount above 0 gets at least one column, as long
 * as there are enough.
 */
export function divide(width: number, amounts: readonly number[]): number[] {
  const total = amounts.reduce((sum, amount) => sum + amount, 0);
  if (total <= 0) return amounts.map(() => 0);
  const shares = amounts.map((amount) => {
    const exact = (amount / total) * width;
    return { exact, columns: amount > 0 ? Math.max(1, Math.floor(exact)) : 0 };
  });
  const given = () => shares.reduce((sum, { columns }) => sum + columns, 0);
  // The largest rounding error is corrected first.
  while (given() < width) {
    const lacking = shares.reduce((a, b) => (b.exact - b.columns > a.exact - a.columns ? b : a));
    lacking.columns++;
  }
  while (given() > width) {
    const spare = shares.filter(({ columns }) => columns > 0);
    const most = spare.reduce((a, b) => (b.columns - b.exact > a.columns - a.exact ? b : a));
    const largest = spare.reduce((a, b) => (b.columns > a.columns ? b : a));
    (most.columns > 1 ? most : largest).columns--;
  }
  return shares.map(({ columns }) => columns);
}
