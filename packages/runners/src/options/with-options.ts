import type { Task, TaskOptions, TaskRequest, TaskRunner } from '@stratagem/core';
import {
  checkCallOptions,
  checkOptions,
  mergeCallOptions,
  OptionError,
  resourceOf,
  shownHeaders,
  TASK_OPTIONS,
} from '@stratagem/core/runner';
import { checkRunner, propertiesOf } from '../util/wrapped.js';

/**
 * Asks a runner with these options, unless a task sets its own.
 *
 * @throws {OptionError} when an option is unknown or out of range, or the runner does not honour it.
 *
 * @example
 * const precise = withOptions(myRunner, { model: 'large', temperature: 0 });
 */
export function withOptions(runner: TaskRunner, options: TaskOptions): TaskRunner {
  checkRunner('withOptions()', 'its first argument', runner);
  checkOptions('withOptions()', options, TASK_OPTIONS);
  checkCallOptions('withOptions()', options);
  requireSupport(runner, options);
  const { headers, ...shown } = options;
  const asked = (request: TaskRequest): TaskRequest => ({
    ...request,
    options: mergeCallOptions(options, request.options),
  });
  const { cached } = runner;
  return {
    ...propertiesOf(runner),
    ...(cached !== undefined && { cached: (request) => cached(asked(request)) }),
    ...(options.model !== undefined && ofModel(runner, options.model)),
    settings: {
      ...runner.settings,
      options: { ...shown, ...(headers && { headers: shownHeaders(headers) }) },
    },
    run: (request, context) => runner.run(asked(request), context),
  };
}

function requireSupport({ name: runner, supportedOptions = [] }: TaskRunner, options: TaskOptions) {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || supportedOptions.includes(name)) continue;
    const providers = name === 'providerOptions' ? Object.keys(value) : [];
    const missing = providers.find((each) => !supportedOptions.includes(`${name}.${each}`));
    if (providers.length > 0 && missing === undefined) continue;
    const option = missing === undefined ? name : `${name}.${missing}`;
    throw new OptionError(`withOptions(): the runner "${runner}" does not honour ${option}`);
  }
}

/** The properties of a runner that depend on its model. */
function ofModel(
  runner: TaskRunner,
  model: string,
): Pick<TaskRunner, 'resource'> & Partial<Pick<TaskRunner, 'pricing'>> {
  const { resource, pricing } = runner;
  const withModel = (task: Task) => resourceOf(runner, { ...task, model: task.model ?? model });
  const { unknownModels: _, ...known } = pricing ?? {};
  return {
    // A name where there can be one: it identifies the runner in messages and keys.
    resource: typeof resource === 'function' ? withModel : `${runner.name}/${model}`,
    ...(pricing !== undefined && {
      pricing: { ...known, ...(!pricing.isKnown?.(model) && { unknownModels: [model] }) },
    }),
  };
}
