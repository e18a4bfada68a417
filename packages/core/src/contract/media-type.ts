const BY_EXTENSION: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
  json: 'application/json',
  zip: 'application/zip',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  mp4: 'video/mp4',
  txt: 'text/plain',
  log: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  htm: 'text/html',
  xml: 'text/xml',
  yaml: 'text/yaml',
  yml: 'text/yaml',
};

/** The first bytes of files, in Latin-1, and where they are. */
const BY_BEGINNING: readonly (readonly [type: string, ...marks: (readonly [number, string])[]])[] =
  [
    ['image/png', [0, '\x89PNG']],
    ['image/jpeg', [0, '\xff\xd8\xff']],
    ['image/gif', [0, 'GIF8']],
    ['image/webp', [0, 'RIFF'], [8, 'WEBP']],
    ['audio/wav', [0, 'RIFF'], [8, 'WAVE']],
    ['application/pdf', [0, '%PDF-']],
    ['application/zip', [0, 'PK\x03\x04']],
    ['audio/mpeg', [0, 'ID3']],
    ['video/mp4', [4, 'ftyp']],
  ];

/** As many bytes as `mediaTypeOf` looks at. */
export const BEGINNING_LENGTH = 512;

/**
 * The media type of a file: its first bytes decide, then the extension of its name. A file with an
 * unknown extension is a text when its beginning has no zero byte.
 */
export function mediaTypeOf(name: string, beginning: Uint8Array): string {
  const extension = extensionType(name);
  const text = String.fromCharCode(...beginning.subarray(0, BEGINNING_LENGTH));
  const found = BY_BEGINNING.find(([, ...marks]) =>
    marks.every(([at, mark]) => text.startsWith(mark, at)),
  )?.[0];
  // Office files are archives.
  if (found === 'application/zip' && extension?.includes('openxmlformats')) return extension;
  return found ?? extension ?? (text.includes('\0') ? 'application/octet-stream' : 'text/plain');
}

/** The media type that an extension stands for; undefined for an unknown one. */
export function extensionType(name: string): string | undefined {
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
  return extension !== undefined && Object.hasOwn(BY_EXTENSION, extension)
    ? BY_EXTENSION[extension]
    : undefined;
}

/** Whether a type is text that a prompt can contain. */
export function isTextType(mediaType: string): boolean {
  return (
    mediaType.startsWith('text/') ||
    ['application/json', 'application/xml', 'image/svg+xml'].includes(mediaType)
  );
}

/** Media types begin with the name of this option in the options that a runner supports. */
const PREFIX = 'attachments.';

/** The names of options of a runner that takes attachments of these types: `image/png`, `text/*`. */
export function attachmentSupport(types: readonly string[]): string[] {
  return types.map((type) => `${PREFIX}${type}`);
}

/** Why a runner does not take an attachment of this type; undefined when it does. */
export function supportProblem(
  mediaType: string,
  runner: { readonly name: string; readonly supportedOptions?: readonly string[] | undefined },
): string | undefined {
  const types = (runner.supportedOptions ?? []).flatMap((name) =>
    name.startsWith(PREFIX) ? name.slice(PREFIX.length) : [],
  );
  if (types.some((type) => covers(type, mediaType))) return undefined;
  const taken = types.length === 0 ? 'no attachments' : `only ${types.join(', ')}`;
  return `is ${mediaType}; the runner "${runner.name}" takes ${taken}`;
}

function covers(pattern: string, type: string): boolean {
  if (pattern === '*/*' || pattern === type) return true;
  if (pattern === 'text/*') return isTextType(type);
  return pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1));
}
