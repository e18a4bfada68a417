/** What this needs of a token of markdown-it. */
interface Token {
  readonly type: string;
  readonly content: string;
  attrSet(name: string, value: string): void;
}

const MIN_COLUMNS = 3;

/** Gives each cell of a wide table the title of its column: on a phone, the style sheet shows each row as a list. */
export function labelTables(tokens: readonly Token[]): void {
  let labels: string[] = [];
  let column = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'table_open') {
      labels = [];
    } else if (token.type === 'th_open') {
      labels.push((tokens[index + 1]?.content ?? '').replaceAll('`', ''));
    } else if (token.type === 'tr_open') {
      column = 0;
    } else if (token.type === 'td_open') {
      const label = labels[column++];
      if (labels.length >= MIN_COLUMNS && label !== undefined) token.attrSet('data-label', label);
    }
  }
}
