/** What keys of well-known services look like, and how they are sent. */
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

/** Variables whose values are secrets, by the end of their names. */
const SECRET_NAME = /(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i;
/** Anything shorter is a placeholder ("none"), and would be found everywhere. */
const SHORTEST_SECRET = 6;
const STAND_IN = '[redacted]';

/** Takes secrets out of all texts in a value. */
export type Scrub = <T>(value: T) => T;

/**
 * Takes out what looks like a key, the values of environment variables that are named like one, and
 * the caller's own secrets; in all texts of a value, those of keys of objects included.
 */
export function scrubber(
  own: readonly (string | RegExp)[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Scrub {
  const fromEnvironment = Object.entries(environment).flatMap(([name, value]) =>
    SECRET_NAME.test(name) && value !== undefined ? value.trim() : [],
  );
  const texts = [...own, ...fromEnvironment].filter((each) => typeof each === 'string');
  // The longest first: one may be part of another.
  const secrets = texts
    .filter((text) => text.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  const patterns = [
    ...PATTERNS,
    ...own.filter((each) => each instanceof RegExp).map((each) => globally(each)),
  ];
  const scrubText = (text: string) => {
    let scrubbed = text;
    for (const secret of secrets) scrubbed = scrubbed.replaceAll(secret, STAND_IN);
    for (const pattern of patterns) scrubbed = scrubbed.replace(pattern, STAND_IN);
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

function globally({ source, flags }: RegExp): RegExp {
  return new RegExp(source, flags.includes('g') ? flags : `${flags}g`);
}
