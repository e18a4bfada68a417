import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { RunnerError } from '@stratagem/core/runner';

/** Addresses of this machine, of its network, and of the services of clouds: not of the public internet. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6');
}

/** Whether an IP address is not one of the public internet. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  // An IPv4 address in the notation of IPv6 is checked as what it is.
  return family === 0 || PRIVATE.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** The hosts that may be asked although their addresses are private. */
export class AllowedHosts {
  readonly #hosts: ReadonlySet<string>;

  /** @param hosts Names or addresses, with a port or for all ports: `localhost`, `10.0.0.5:8080`. */
  constructor(hosts: readonly string[]) {
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
  }

  has({ hostname, port, protocol }: URL): boolean {
    const number = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
    return this.#hosts.has(hostname) || this.#hosts.has(`${hostname}:${number}`);
  }
}

/** @throws {RunnerError} `permission_denied` when a URL names a private address itself. */
export function requirePublicAddress({ hostname }: URL): void {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) !== 0 && isPrivateAddress(address)) throw isPrivate(hostname);
}

/**
 * Looks up names whose addresses are all public. A connection uses the addresses that were checked, so a
 * name cannot mean another address a moment later.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) callback(error, '', 0);
    else if (addresses.some(({ address }) => isPrivateAddress(address))) {
      callback(isPrivate(hostname) as NodeJS.ErrnoException, '', 0);
    } else if (options.all) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 0);
  });
};

function isPrivate(hostname: string): RunnerError {
  const message =
    `${hostname} is an address of this machine or of a private network: ` +
    'allow it with allowHosts, or --allow-hosts on the command line';
  return new RunnerError('permission_denied', message, { isRetryable: false });
}
