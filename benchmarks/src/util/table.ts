/** Prints rows as a Markdown table; the first row is the head. */
export function printTable(title: string, rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}\n\n${tableOf(rows)}`);
}

/** Formats rows as a Markdown table; the first row is the head. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return `${line(head)}\n${rule}\n${rows.slice(1).map(line).join('\n')}`;
}
