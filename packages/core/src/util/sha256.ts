/** In hexadecimal. Synchronous in Node, which is many times faster; elsewhere by WebCrypto. */
export function sha256(text: string): string | Promise<string> {
  // Other runtimes have parts of this module.
  const hash = globalThis.process?.getBuiltinModule?.('node:crypto')?.hash;
  return hash === undefined ? digest(text) : hash('sha256', text, 'hex');
}

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
