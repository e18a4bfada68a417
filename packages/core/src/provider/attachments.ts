import type { AttachedFile, RequestAttachment } from '../contract/attachment.js';
import { RunnerError } from '../contract/errors.js';
import { isTextType } from '../contract/media-type.js';
import type { TaskOutput } from '../contract/runner.js';
import { toBase64 } from '../util/base64.js';
import { definedFields } from './defined-fields.js';

/** The bytes of a file in base64. */
export function base64Of({ data }: AttachedFile): string {
  const { Buffer } = globalThis as { readonly Buffer?: typeof import('node:buffer').Buffer };
  if (Buffer === undefined) return toBase64(data);
  return Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64');
}

/** A file as a `data:` URL, or the address of one. */
export function urlOf(attachment: RequestAttachment): string {
  if (attachment.data === undefined) return attachment.url;
  return `data:${attachment.mediaType};base64,${base64Of(attachment)}`;
}

/**
 * A file of text for a prompt, in an element with its name; undefined for any other attachment.
 *
 * @throws {RunnerError} `invalid_input` for a file that is not UTF-8.
 */
export function textOfAttachment(attachment: RequestAttachment): string | undefined {
  const { filename, mediaType } = attachment;
  if (attachment.data === undefined || !isTextType(mediaType)) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(attachment.data);
  } catch {
    const message = `its attachment "${filename}" is ${mediaType}, but not UTF-8`;
    throw new RunnerError('invalid_input', message);
  }
  const name = filename.replace(/[\s"<>&]+/g, ' ');
  // A file must not close its element.
  return `<file name="${name}">\n${text.replace(/<(?=\s*\/\s*file\b)/gi, '&lt;')}\n</file>`;
}

/** @throws {RunnerError} `invalid_input` for an attachment that the API cannot take. */
export function refuseAttachment({ filename }: RequestAttachment, why: string): never {
  throw new RunnerError('invalid_input', `its attachment "${filename}" ${why}`);
}

const ABOUT_FILES =
  /image|vision|multi-?modal|media|attachment|document|pdf|mmproj|file|content part/i;
const UNSUPPORTED =
  /support|invalid|accept|allow|cannot|can't|unable|not able|unknown|unexpected|mmproj/i;
const REFUSALS: readonly (number | undefined)[] = [400, 404, 415, 422, 500, 501];

/**
 * Runs a request. When a server refuses it for its attachments, the error says so, and the attempt is not
 * repeated: some servers answer with a status that usually passes.
 */
export async function withAttachmentErrors(
  attachments: readonly RequestAttachment[] | undefined,
  request: () => Promise<TaskOutput>,
): Promise<TaskOutput> {
  if (attachments === undefined) return request();
  try {
    return await request();
  } catch (thrown) {
    throw aboutAttachments(thrown, attachments);
  }
}

/**
 * The error of a request with the advice, if it is about its attachments.
 *
 * @param isBatched Whether it is the result of a request in a batch, which may have no status.
 */
export function aboutAttachments(
  error: unknown,
  attachments: readonly RequestAttachment[],
  isBatched = false,
): unknown {
  if (!(error instanceof RunnerError)) return error;
  const { code, message, status } = error;
  const isRefusal = code === 'invalid_request' || code === 'server_error' || code === 'not_found';
  const mayRefuse = status === undefined ? isBatched : REFUSALS.includes(status);
  if (!isRefusal || !mayRefuse) return error;
  if (!ABOUT_FILES.test(message) || !UNSUPPORTED.test(message)) return error;
  const types = [...new Set(attachments.map(({ mediaType }) => mediaType))].join(', ');
  const advice = `; the request has attachments (${types}): does the model take them?`;
  const { cause, requestId, usage, costUsd, model, rateLimits } = error;
  const details = { cause, status, requestId, usage, costUsd, model, rateLimits };
  return new RunnerError('invalid_request', message + advice, {
    ...definedFields(details),
    isRetryable: false,
  });
}
