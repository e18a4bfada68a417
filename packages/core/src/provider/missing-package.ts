import { RunnerError } from '../contract/errors.js';

/**
 * What was thrown when a package was loaded on demand: where the package is not installed, an error that
 * says how to install it.
 *
 * @param owner The function that needs it, for messages.
 */
export function missingPackage(owner: string, packageName: string, thrown: unknown): unknown {
  const { code, message } = Object(thrown) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  // The package itself, and not one that it misses in turn.
  const names = [`'${packageName}'`, `"${packageName}"`, `'${packageName}/`, `"${packageName}/`];
  if (!isMissing || !names.some((name) => String(message).includes(name))) return thrown;
  const advice = `${owner} needs the package ${packageName}: npm install ${packageName}`;
  return new RunnerError('invalid_request', advice, { cause: thrown });
}
