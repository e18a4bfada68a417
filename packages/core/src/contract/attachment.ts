/** A file, an address or bytes that a task shows to its model. */
export interface Attachment {
  /** The path of a file, relative to `attachments.directory`. It may have references: `{{item.path}}`. */
  readonly path?: string | undefined;
  /** An `http` or `https` address, which the provider fetches; it may have references. */
  readonly url?: string | undefined;
  /** The bytes themselves. A plan keeps their hash in this place, and journals hold one copy of them. */
  readonly data?: Uint8Array | undefined;
  /**
   * Like `image/png`.
   * @default from the first bytes, or the extension of the name
   */
  readonly mediaType?: string | undefined;
  /**
   * The name that the model sees.
   * @default the last part of the path or the address
   */
  readonly filename?: string | undefined;
  /** The SHA-256 of `data`, as hexadecimal digits, in a plan that has been taken over. */
  readonly sha256?: string | undefined;
  /** The number of bytes of `data`, in a plan that has been taken over. */
  readonly size?: number | undefined;
}

/** An attachment as the runner gets it. */
export type RequestAttachment = AttachedFile | AttachedUrl;

/** An attachment whose bytes are known. */
export interface AttachedFile {
  readonly filename: string;
  readonly mediaType: string;
  readonly data: Uint8Array;
  /** The number of bytes. */
  readonly size: number;
  /** The hash of the bytes, as hexadecimal digits: all that content keys have of them. */
  readonly sha256: string;
  readonly url?: undefined;
}

/** An attachment that the provider fetches by itself. */
export interface AttachedUrl {
  readonly filename: string;
  readonly mediaType: string;
  readonly url: string;
  readonly data?: undefined;
}

/** Which files runs may attach. */
export interface AttachmentOptions {
  /**
   * Where relative paths begin. Paths must not lead out of this folder, also not by links.
   * @default the working directory of the process
   */
  readonly directory?: string | undefined;
  /**
   * Further folders that may be read.
   * @default none
   */
  readonly allowRead?: readonly string[] | undefined;
  /**
   * The maximum size of one attachment, in bytes.
   * @default 20_971_520 (20 MiB)
   */
  readonly maxBytes?: number | undefined;
}

export const ATTACHMENT_OPTIONS = ['directory', 'allowRead', 'maxBytes'] as const;
export const MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024;
