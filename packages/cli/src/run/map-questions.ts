import type { MapQuestion } from '@stratagem/datasets';
import type { MapFlags } from '../options/map-flags.js';
import type { MapDisplay } from '../output/map-progress.js';
import { mapQuestionText } from '../output/map-report.js';
import { write } from '../output/streams.js';
import { interruptProcess } from './signals.js';
import { askYesOrNo, openTerminal } from './terminal.js';

/** Asks on the terminal whether a map goes on. */
export class MapQuestions {
  /** Whether a question came up that `--yes` would answer. */
  isAsked = false;
  /** Whether the answer was no, or nobody was there to give one. */
  isRefused = false;
  readonly #flags: Pick<MapFlags, 'yes'>;
  readonly #isShown: boolean;
  readonly #display: MapDisplay;
  #open: AbortController | undefined;

  /** @param isShown Whether questions that `--yes` answers are shown, too. */
  constructor(flags: Pick<MapFlags, 'yes'>, isShown: boolean, display: MapDisplay) {
    this.#flags = flags;
    this.#isShown = isShown;
    this.#display = display;
  }

  /** Whether a question waits for its answer. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  async confirm(question: MapQuestion): Promise<boolean> {
    const { yes = false } = this.#flags;
    this.#display.suspend();
    try {
      if (this.#isShown || !yes) await write(process.stderr, mapQuestionText(question));
      if (yes) return true;
      this.isAsked = true;
      this.isRefused = !(await this.#ask());
      return !this.isRefused;
    } finally {
      this.#display.resume();
    }
  }

  /** Takes back the question that is open: the answer is no. */
  withdraw(): void {
    this.#open?.abort();
  }

  async #ask(): Promise<boolean> {
    const terminal = openTerminal(undefined, interruptProcess);
    if (terminal === undefined) return false;
    this.#open = new AbortController();
    try {
      return await askYesOrNo(terminal, 'Go on?', this.#open.signal);
    } catch {
      return false;
    } finally {
      this.#open = undefined;
    }
  }
}
