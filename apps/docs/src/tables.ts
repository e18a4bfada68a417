import type { Member } from './declarations.js';

const MAX_PADDING = 60;

/** A Markdown table; narrow columns are padded, so that its source is readable too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) =>
    Math.min(MAX_PADDING, Math.max(3, ...cells.map((row) => (row[column] ?? '').length))),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [first = [], ...others] = cells;
  return [line(first), rule, ...others.map(line)].join('\n');
}

/** A table of options or fields. */
export function memberTable(members: readonly Member[], withDefaults: boolean): string {
  const head = ['name', 'type', ...(withDefaults ? ['default'] : []), 'meaning'];
  const rows = members.map(({ name, type, isOptional, doc, byDefault }) => [
    `\`${name}\``,
    `\`${type}\``,
    ...(withDefaults ? [byDefault ?? (isOptional ? 'none' : 'required')] : []),
    doc,
  ]);
  return table(head, rows);
}
