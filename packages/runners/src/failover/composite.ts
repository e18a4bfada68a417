import type { Task, TaskRunner } from '@stratagem/core';
import { attachmentSupport, resourceOf } from '@stratagem/core/runner';

/** The label of a runner in messages: its resource, which names the model, or else its name. */
export function labelOf({ name, resource }: TaskRunner): string {
  return typeof resource === 'string' ? resource : name;
}

/**
 * The properties of a wrapper that sends each attempt to one or more of these runners. The wrapper
 * is a resource of its own, so that a pause of one runner does not pause the others.
 */
export function compositeProperties(
  wrapper: string,
  runners: readonly TaskRunner[],
): Omit<TaskRunner, 'run'> {
  const nameFrom = (labels: readonly string[]) => `${wrapper}(${[...new Set(labels)].join(', ')})`;
  const dependsOnTask = runners.some(({ resource }) => typeof resource === 'function');
  return {
    name: nameFrom(runners.map(({ name }) => name)),
    resource: dependsOnTask
      ? (task: Task) => nameFrom(runners.map((runner) => resourceOf(runner, task)))
      : nameFrom(runners.map(labelOf)),
    supportsTools: runners.every(({ supportsTools }) => supportsTools === true),
    ...(runners.some(({ readsInputs }) => readsInputs) && { readsInputs: true }),
    supportedOptions: sharedOptions(runners),
    settings: { [wrapper]: runners.map(identityOf) },
    ...pricingOf(runners),
    check: () => requireOne(runners),
  };
}

/** The others take over from a runner that cannot work, so one of them is enough. */
async function requireOne(runners: readonly TaskRunner[]): Promise<void> {
  const checks = await Promise.allSettled(runners.map((runner) => runner.check?.()));
  const [first] = checks;
  if (first?.status === 'rejected' && checks.every(({ status }) => status === 'rejected')) {
    throw first.reason;
  }
}

/**
 * The options that every runner honours, and the provider options of any of them: each takes its own.
 * A model is one of a single provider, so a task cannot choose it here.
 */
function sharedOptions(runners: readonly TaskRunner[]): string[] {
  const lists = runners.map(({ supportedOptions = [] }) => supportedOptions);
  const isTaken = (name: string, options: readonly string[]) =>
    options.includes(name) || (name.startsWith('attachments.') && options.includes(ANY_FILE));
  const isShared = (name: string) =>
    name !== 'model' && lists.every((options) => isTaken(name, options));
  const all = new Set(lists.flat());
  return [...all].filter((name) => name.startsWith('providerOptions') || isShared(name));
}

/** The attachments of a runner that takes any. */
const [ANY_FILE] = attachmentSupport(['*/*']) as [string];

/** The models whose price is unknown to any of the runners, and the oldest price list. */
function pricingOf(runners: readonly TaskRunner[]): Pick<TaskRunner, 'pricing'> {
  const pricings = runners.flatMap(({ pricing }) => pricing ?? []);
  if (pricings.length === 0) return {};
  const [asOf] = pricings.flatMap((pricing) => pricing.asOf ?? []).sort();
  const unknownModels = [...new Set(pricings.flatMap((pricing) => pricing.unknownModels ?? []))];
  return {
    pricing: {
      ...(asOf !== undefined && { asOf }),
      ...(unknownModels.length > 0 && { unknownModels }),
    },
  };
}

/** Everything that determines the responses of a runner, as plain data. */
export function identityOf({ name, settings }: TaskRunner): Record<string, unknown> {
  return { name, ...(settings !== undefined && { settings }) };
}
