import { isRecord } from '../util/record.js';
import type { Attachment, RequestAttachment } from './attachment.js';

const FIELDS = ['path', 'url', 'data', 'mediaType', 'filename', 'sha256', 'size'];
const MEDIA_TYPE = /^[a-z]+\/[a-z0-9][a-z0-9.+-]*$/;

/** Why something is not an attachment of a task; undefined when it is one. */
export function attachmentProblem(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? 'must not be empty' : undefined;
  const example = 'must be a path, an address, or an object like { path } or { url } or { data }';
  if (!isRecord(value)) return example;
  const { path, url, data, mediaType, filename } = value as Attachment;
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    return `has an unknown field "${unknown}"; its fields are ${FIELDS.slice(0, 5).join(', ')}`;
  const isHidden = BYTES.has(value);
  const sources = [path, url, data].filter((each) => each !== undefined);
  if (sources.length + Number(isHidden) !== 1) return example;
  if (path !== undefined && !isText(path)) return 'its path must be a non-empty string';
  if (url !== undefined && !isText(url)) return 'its url must be a non-empty string';
  if (data !== undefined && !(data instanceof Uint8Array)) return 'its data must be a Uint8Array';
  if (mediaType !== undefined && !MEDIA_TYPE.test(mediaType)) {
    return 'its mediaType must be one like image/png';
  }
  if (filename !== undefined && !isText(filename)) return 'its filename must be a non-empty string';
  return undefined;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

/** The bytes by the object that is shown in their place. */
const BYTES = new WeakMap<object, Uint8Array>();

/**
 * A list of attachments that can be logged and stored: instead of bytes it has their hash and size.
 * The caller may change its own list later.
 */
export function snapshotOfAttachments(
  list: readonly (string | Attachment)[],
): (string | Attachment)[] {
  return Array.from(list, (each) => {
    if (typeof each === 'string' || BYTES.has(each) || attachmentProblem(each) !== undefined) {
      return each;
    }
    const { data, ...shown } = each;
    return data === undefined ? Object.freeze({ ...each }) : hideBytes(shown, data.slice());
  });
}

function hideBytes(shown: Attachment, bytes: Uint8Array): Attachment {
  const hidden = Object.freeze({ ...shown, sha256: sha256Of(bytes), size: bytes.length });
  BYTES.set(hidden, bytes);
  return hidden;
}

/** The bytes of an attachment of a plan; undefined for a path and an address. */
export function bytesOf(attachment: Attachment): Uint8Array | undefined {
  return BYTES.get(attachment);
}

/** An attachment of a recorded plan, with its bytes. */
export function restoreBytes(recorded: Attachment, bytes: Uint8Array | undefined): Attachment {
  if (bytes === undefined) return recorded;
  BYTES.set(recorded, bytes);
  return recorded;
}

/** What an answer depends on of attachments: the hashes of their bytes. */
export function identitiesOf(attachments: readonly RequestAttachment[]) {
  return attachments.map(({ filename, mediaType, ...content }) => ({
    ...{ filename, mediaType },
    ...(content.data === undefined ? { url: content.url } : { sha256: content.sha256 }),
  }));
}

/** The SHA-256 of bytes, as hexadecimal digits. */
export function sha256Of(bytes: Uint8Array): string {
  const { hash } = requireModule('node:crypto') as typeof import('node:crypto');
  return hash('sha256', bytes, 'hex');
}

/** A module of the platform, without an import that browsers would refuse. */
export function requireModule(name: string): unknown {
  const module: unknown = globalThis.process?.getBuiltinModule?.(name);
  if (module == null) throw new TypeError('attachments need Node, Bun or Deno');
  return module;
}
