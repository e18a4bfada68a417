import { OptionError } from '@stratagem/core';
import { checkDuration } from '@stratagem/core/journal';

/** How to check the server, and to identify this process; options of `tls.connect()`. */
export interface TlsOptions {
  /** Certificates of authorities to trust, as PEM. */
  readonly ca?: string | readonly string[] | undefined;
  /** The certificate of this process, as PEM. */
  readonly cert?: string | undefined;
  /** The key of that certificate, as PEM. */
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
  /** The name that the certificate of the server must have. */
  readonly servername?: string | undefined;
  /**
   * Refuse a certificate that nobody trusted has signed.
   * @default true
   */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Leases are renewed in time even on a slow server. */
const MIN_LEASE_MS = 100;
/** The longest delay of a timer. */
const MAX_MS = 2 ** 31 - 1;

/** @throws {OptionError} when one is no duration, or out of range. */
export function checkDurations(
  owner: string,
  durations: Readonly<Record<string, number>> & { readonly leaseMs: number },
): void {
  for (const [name, value] of Object.entries(durations)) {
    checkDuration(owner, name, value);
    if (value > MAX_MS) throw new OptionError(`${owner}: ${name} must be at most ${MAX_MS}`);
  }
  const { leaseMs } = durations;
  if (leaseMs < MIN_LEASE_MS) {
    throw new OptionError(`${owner}: leaseMs must be at least ${MIN_LEASE_MS}; it is ${leaseMs}`);
  }
}
