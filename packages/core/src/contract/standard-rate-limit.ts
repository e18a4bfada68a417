type Field = string | null | undefined;

/** An item of the list, as `name;parameter=1` or `parameter=1`. */
type Item = Readonly<Record<string, string>>;

/**
 * The limit in the headers of the IETF draft: `ratelimit: "default";r=0;t=30` with `ratelimit-policy:
 * "default";q=100;w=60`, or the older `ratelimit: limit=100, remaining=0, reset=30`. Of several
 * exhausted limits, it is the one with the longest wait.
 *
 * @param field The header `ratelimit`.
 * @param policies The header `ratelimit-policy`.
 */
export function standardRateLimit(field: Field, policies: Field) {
  const items = itemsOf(field);
  const older: Item = Object.assign({}, ...items);
  if (older.remaining !== undefined) return limitOf(older.limit, older.remaining, older.reset);
  const exhausted = items.filter(({ r }) => Number(r) === 0);
  const [item] = exhausted.length > 0 ? exhausted.sort((a, b) => Number(b.t) - Number(a.t)) : items;
  if (item === undefined) return undefined;
  const policy = itemsOf(policies).find(({ name }) => name === item.name);
  return limitOf(policy?.q, item.r, item.t);
}

function itemsOf(field: Field): Item[] {
  return (field ?? '').split(',').map((item) => {
    const pairs = item.split(';').map((part) => {
      const [, key = 'name', value = ''] = /^\s*(?:([a-z]+)=)?(.*?)\s*$/i.exec(part) ?? [];
      return [key, value];
    });
    return Object.fromEntries(pairs);
  });
}

function limitOf(limit: Field, remaining: Field, seconds: Field) {
  if (!isCount(remaining)) return undefined;
  return {
    ...(isCount(limit) && Number(limit) > 0 && { limit: Number(limit) }),
    remaining: Number(remaining),
    ...(isCount(seconds) && { resetMs: Number(seconds) * 1_000 }),
  };
}

function isCount(text: Field): text is string {
  return /^\d{1,12}$/.test(text ?? '');
}
