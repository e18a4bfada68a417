/** The formats of API keys of well-known services, and of the headers that carry them. */
const PATTERNS: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{8,}/g,
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi,
  /\b(?:x-api-key|api[-_]?key|authorization)["']?\s*[:=]\s*["']?[A-Za-z0-9._~+/=-]{8,}/gi,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bhf_[A-Za-z0-9]{20,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
];

/** The names of environment variables whose values are secrets. */
const SECRET_NAME = /(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i;
/** A shorter value is a placeholder such as "none", which would match too much. */
const MIN_SECRET_LENGTH = 6;
const PLACEHOLDER = '[redacted]';

/** Replaces secrets in all strings of a value. */
export type Scrub = <T>(value: T) => T;

/**
 * Creates a function that replaces secrets in all strings of a value, object keys included. Secrets
 * are the given ones, the values of environment variables with a secret's name, and whatever looks
 * like an API key.
 */
export function scrubber(
  given: readonly (string | RegExp)[],
  environment: Readonly<Record<string, string | undefined>> = globalThis.process?.env ?? {},
): Scrub {
  const fromEnvironment = Object.entries(environment).flatMap(([name, value]) =>
    SECRET_NAME.test(name) && value !== undefined ? value.trim() : [],
  );
  const texts = [...given, ...fromEnvironment].filter((each) => typeof each === 'string');
  // The longest first, because one secret may contain another.
  const secrets = texts
    .filter((text) => text.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
  const patterns = [
    ...PATTERNS,
    ...given.filter((each) => each instanceof RegExp).map((each) => withGlobalFlag(each)),
  ];
  const scrubText = (text: string) => {
    let scrubbed = text;
    for (const secret of secrets) scrubbed = scrubbed.replaceAll(secret, PLACEHOLDER);
    for (const pattern of patterns) scrubbed = scrubbed.replace(pattern, PLACEHOLDER);
    return scrubbed;
  };
  const scrub = (value: unknown): unknown => {
    if (typeof value === 'string') return scrubText(value);
    if (Array.isArray(value)) return value.map(scrub);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [scrubText(key), scrub(each)]),
    );
  };
  return scrub as Scrub;
}

function withGlobalFlag({ source, flags }: RegExp): RegExp {
  return new RegExp(source, flags.includes('g') ? flags : `${flags}g`);
}
