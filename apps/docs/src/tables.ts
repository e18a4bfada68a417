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

/** A table of options or fields. The meaning comes second: a narrow screen shows no more than two columns. */
export function memberTable(members: readonly Member[], withDefaults: boolean): string {
  const head = ['name', 'meaning', ...(withDefaults ? ['default'] : []), 'type'];
  const rows = members.map(({ name, type, isOptional, doc, byDefault }) => [
    `\`${name}\``,
    doc,
    ...(withDefaults ? [byDefault ?? (isOptional ? 'none' : 'required')] : []),
    `\`${type}\``,
  ]);
  return table(head, rows);
}
