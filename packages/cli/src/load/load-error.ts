import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from '@stratagem/core/runner';

/** Where this command is: nothing that its user knows. */
const OWN = dirname(fileURLToPath(import.meta.url));

/** Why a module of the user could not be loaded, without the file of this command that imported it. */
export function describeLoadError(error: unknown): string {
  return describe(error).replace(/ imported from (\S.*)$/, (whole, importer: string) =>
    importer.startsWith(OWN) ? '' : whole,
  );
}
