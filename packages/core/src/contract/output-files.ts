/** Where tasks save their outputs: `outputFolder()` of `@stratagem/node` writes files. */
export interface OutputFiles {
  /**
   * Writes a file as a whole or not at all, and makes it durable.
   *
   * @param path Relative, with `/` between folders, and without `..`.
   */
  write(path: string, content: string | Uint8Array): Promise<void>;
}

/** Names that Windows keeps for devices. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

/** Why nothing can be saved under a path; undefined when it may be. */
export function savePathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return 'has a backslash or a control character';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is not relative';
  if (path.length > 1_000) return 'is longer than 1000 characters';
  for (const name of path.split('/')) {
    if (name === '..') return 'leaves the output folder with ".."';
    if (name === '' || name === '.') return 'has an empty part, or "."';
    if (name.length > 200) return 'has a part of more than 200 characters';
    if (DEVICE.test(name) || /[. ]$/.test(name) || /[<>:"|?*]/.test(name)) {
      return `has a name that is not portable: ${JSON.stringify(name)}`;
    }
  }
  return undefined;
}

/** Equal for paths that are one file on some system, such as `A.md` and `a.md`. */
export function savePathKey(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
