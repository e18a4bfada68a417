const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** What lies between these appears at once, on terminals that know them. */
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

/**
 * A block at the end of a terminal that is redrawn in place. Text can be printed above it for good. Its
 * lines must fit the width of the terminal. When the window becomes narrower, the terminal wraps the old
 * lines again: they are cleared from the first row that they then take.
 */
export class LiveBlock {
  readonly #stream: NodeJS.WriteStream;
  /** The lines that were drawn last; the cursor stands below them. */
  #lines: readonly string[] = [];
  /** Their widths in columns. */
  #widths: readonly number[] = [];
  #columns: number;
  #isCursorHidden = false;
  readonly #onResize = () => this.#clearWrapped();
  readonly #onExit = () => this.#showCursor();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#columns = stream.columns ?? 80;
    stream.on('resize', this.#onResize);
    process.once('exit', this.#onExit);
  }

  /** @param widths The width of each line in columns. */
  draw(lines: readonly string[], widths: readonly number[]): void {
    // A block that is as high as the terminal could not be found again.
    const shown = lines.slice(0, Math.max(1, (this.#stream.rows ?? 24) - 1));
    const before = this.#lines;
    let text = this.#isCursorHidden ? '' : HIDE_CURSOR;
    if (before.length > 0) text += `\u001b[${before.length}A\r`;
    for (const [position, line] of shown.entries()) {
      text += line === before[position] ? '\u001b[1B' : `${line}\u001b[K\n`;
    }
    if (shown.length < before.length) text += '\u001b[J';
    this.#stream.write(BEGIN + text + END);
    this.#isCursorHidden = true;
    this.#lines = shown;
    this.#widths = widths.slice(0, shown.length);
  }

  /** Removes the block, and gives the cursor back until the next one is drawn. */
  clear(): void {
    this.#erase();
    this.#showCursor();
  }

  /** Prints text above the block, for good. */
  printAbove(text: string): void {
    this.#erase();
    this.#stream.write(text);
  }

  stop(): void {
    this.#stream.off('resize', this.#onResize);
    process.off('exit', this.#onExit);
    this.clear();
  }

  #erase(): void {
    if (this.#lines.length > 0) this.#eraseRows(this.#lines.length);
  }

  #showCursor(): void {
    if (this.#isCursorHidden) this.#stream.write(SHOW_CURSOR);
    this.#isCursorHidden = false;
  }

  #eraseRows(rows: number): void {
    this.#stream.write(`\u001b[${rows}A\r\u001b[J`);
    this.#lines = [];
    this.#widths = [];
  }

  #clearWrapped(): void {
    const columns = this.#stream.columns ?? 80;
    if (columns < this.#columns && this.#lines.length > 0) {
      const rowsOf = (width: number) => Math.max(1, Math.ceil(width / columns));
      this.#eraseRows(this.#widths.reduce((sum, width) => sum + rowsOf(width), 0));
    }
    this.#columns = columns;
  }
}
