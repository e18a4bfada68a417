// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** Marks that reorder text, so that what is shown is not what is there. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text from a plan or a model, fit for a terminal: escape sequences and other control characters
 * become visible signs; line breaks and tabs stay.
 */
export function forTerminal(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(CONTROLS, (control) => {
      const code = control.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\u2421';
    })
    .replace(DIRECTION, '\ufffd');
}

/** The same on one line, cut to a width. */
export function onOneLine(text: string, width = 100): string {
  const line = forTerminal(text).replace(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
