/** How this program is called again: `npx` finds one that a project has installed, and a shell does not. */
export const COMMAND = commandOf(process.argv[1]);

/** @param script The file that was started. */
export function commandOf(script = ''): string {
  return /[\\/]node_modules[\\/]\.bin[\\/]/.test(script) ? 'npx stratagem' : 'stratagem';
}
