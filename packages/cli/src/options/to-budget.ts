import type { Budget, ResourceBudget } from '@stratagem/core';

/** An amount for the whole run, and amounts for single resources. */
export interface Amounts {
  readonly whole?: number;
  readonly resources?: Readonly<Record<string, number>>;
}

/** A budget from the amounts of options or settings. */
export function toBudget(tokens: Amounts = {}, costUsd: Amounts = {}): Budget {
  const names = new Set(Object.keys({ ...tokens.resources, ...costUsd.resources }));
  const resources = Array.from(names, (name): [string, ResourceBudget] => [
    name,
    withoutUndefined({ tokens: tokens.resources?.[name], costUsd: costUsd.resources?.[name] }),
  ]);
  return {
    ...withoutUndefined({ tokens: tokens.whole, costUsd: costUsd.whole }),
    ...(names.size > 0 && { resources: Object.fromEntries(resources) }),
  };
}

function withoutUndefined(amounts: ResourceBudget): ResourceBudget {
  return Object.fromEntries(Object.entries(amounts).filter(([, each]) => each !== undefined));
}
