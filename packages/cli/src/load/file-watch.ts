import { statSync } from 'node:fs';

/** How often files are looked at. A change is reported when they stay the same from one look to the next. */
const LOOK_MS = 150;

/**
 * Reports changes of files, however they are written: in place, by a rename over them, or by a file that
 * appears. It looks at them instead of waiting for events, which get lost on network drives and in
 * containers, and with a file that an editor replaces.
 */
export class FileWatch {
  readonly #onChange: () => void;
  readonly #timer: NodeJS.Timeout;
  #looks = new Map<string, string>();
  #isChanging = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Watches these files from now on, and no others. A file may be missing. */
  watch(files: Iterable<string>): void {
    const looks = new Map<string, string>();
    for (const file of files) looks.set(file, this.#looks.get(file) ?? lookAt(file));
    this.#looks = looks;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    let hasChanged = false;
    for (const [file, before] of this.#looks) {
      const now = lookAt(file);
      if (now === before) continue;
      this.#looks.set(file, now);
      hasChanged = true;
    }
    const isSettled = this.#isChanging && !hasChanged;
    this.#isChanging = hasChanged;
    if (isSettled) this.#onChange();
  }
}

/** Differs after every change of the file. */
function lookAt(file: string): string {
  try {
    const { mtimeNs, size, ino } = statSync(file, { bigint: true });
    return `${mtimeNs} ${size} ${ino}`;
  } catch {
    return 'missing';
  }
}
