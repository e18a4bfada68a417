import { UsageError } from '../options/usage-error.js';

/**
 * Loads a package that most users do not need.
 *
 * @param use The option that needs it.
 * @throws {UsageError} when it is not installed.
 */
export async function optionalPackage<Module>(
  name: string,
  use: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const message = `${use} needs the package ${name}. Install it where the command line is: npm install ${name}`;
    throw new UsageError(message, { cause: error });
  }
}
