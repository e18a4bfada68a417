/** `String.fromCharCode` takes this many arguments everywhere. */
const PIECE = 8_192;

/** One character for each byte. */
export function charactersOf(bytes: Uint8Array): string {
  const { Buffer } = globalThis as { readonly Buffer?: typeof import('node:buffer').Buffer };
  if (Buffer !== undefined) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
  let text = '';
  for (let from = 0; from < bytes.length; from += PIECE) {
    text += String.fromCharCode(...bytes.subarray(from, from + PIECE));
  }
  return text;
}

/** The bytes of such characters. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
