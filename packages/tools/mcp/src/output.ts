import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';

/**
 * The result of a call for the model: structured data if there is any, else the text. Images and other
 * files are only mentioned, because the model cannot read their bytes.
 *
 * @param withoutSecrets Removes secrets from an error message.
 * @param maxLength The maximum length of a result or of a message, in characters.
 * @throws {Error} with the server's message, when the call failed.
 */
export function outputOf(
  { content, structuredContent, isError }: CallToolResult,
  withoutSecrets: (text: string) => string,
  maxLength: number,
): unknown {
  const text = content.map(textOf).join('\n');
  if (isError) {
    const message = String(limitLength(withoutSecrets(text), maxLength));
    throw new Error(message || 'the tool failed without a message');
  }
  return limitLength(structuredContent === undefined ? text : structuredContent, maxLength);
}

/** A result of at most this length, in characters: a longer one is cut, with a note. */
function limitLength(result: unknown, maxLength: number): unknown {
  const text = typeof result === 'string' ? result : (JSON.stringify(result) ?? '');
  if (text.length <= maxLength) return result;
  const note = `[cut: ${text.length - maxLength} of ${text.length} characters are left out]`;
  // Not within a character.
  return `${text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '')}\n${note}`;
}

function textOf(part: ContentBlock): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'resource_link':
      return mention('resource', part.uri, part.title ?? part.name, part.description);
    case 'resource': {
      const { resource } = part;
      const { uri, mimeType } = resource;
      if ('text' in resource) return `${mention('resource', uri)}\n${resource.text}`;
      return mention('resource', uri, mimeType, sizeOf(resource.blob));
    }
    default:
      return mention(part.type, part.mimeType, sizeOf(part.data));
  }
}

/** `[image: image/png, 1234 bytes]` */
function mention(kind: string, ...details: readonly (string | undefined)[]): string {
  return `[${kind}: ${details.filter((detail) => detail).join(', ')}]`;
}

function sizeOf(base64: string): string {
  const padding = /=*$/.exec(base64)?.[0].length ?? 0;
  return `${Math.floor((base64.length * 3) / 4) - padding} bytes`;
}
