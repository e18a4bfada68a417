import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';

/**
 * What a call brought, for the model: the data, when the server gave it as data, or else the text.
 * Pictures and other files are only mentioned, as their bytes would mean nothing to it.
 *
 * @param tell Takes out of an error what must never be seen.
 * @throws {Error} with what the server says went wrong.
 */
export function outputOf(
  { content, structuredContent, isError }: CallToolResult,
  tell: (text: string) => string,
): unknown {
  const text = content.map(textOf).join('\n');
  if (isError) throw new Error(tell(text) || 'the tool failed and did not say why');
  return structuredContent === undefined ? text : structuredContent;
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
