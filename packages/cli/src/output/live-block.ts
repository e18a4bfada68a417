import { createLogUpdate } from 'log-update';

/**
 * A block at the end of a terminal that is redrawn in place. Text can be printed above it for good. When
 * the window changes its width, the terminal wraps the old lines anew: the block is drawn again from
 * the first of the rows that they take then.
 */
export class LiveBlock {
  readonly #stream: NodeJS.WriteStream;
  readonly #draw: ReturnType<typeof createLogUpdate>;
  /** The widths of the lines that were drawn last. */
  #widths: readonly number[] = [];
  #columns: number;
  readonly #onResize = () => this.#clearWrapped();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#draw = createLogUpdate(stream);
    this.#columns = stream.columns ?? 80;
    stream.on('resize', this.#onResize);
  }

  /** @param widths The width of each line in columns. */
  draw(lines: readonly string[], widths: readonly number[]): void {
    this.#widths = widths;
    this.#draw(lines.join('\n'));
  }

  clear(): void {
    this.#widths = [];
    this.#draw.clear();
  }

  /** Prints text above the block, for good. */
  printAbove(text: string): void {
    this.clear();
    this.#stream.write(text);
  }

  stop(): void {
    this.#stream.off('resize', this.#onResize);
    this.clear();
    this.#draw.done();
  }

  #clearWrapped(): void {
    const columns = this.#stream.columns ?? 80;
    if (columns < this.#columns && this.#widths.length > 0) {
      const rows = this.#widths.reduce((sum, width) => {
        return sum + Math.max(1, Math.ceil(width / columns));
      }, 0);
      // One line for each row above the cursor, which stands below the block.
      this.#stream.write(`\u001b[${rows}A\r\u001b[J`);
      this.#draw.done();
      this.#widths = [];
    }
    this.#columns = columns;
  }
}
