// What the author of a runner can do about a case that fails.

export const OF_KIT = 'of @stratagem/core/runner';
export const OWN_FIELDS = 'emit the fields of the kind alone';
export const NO_LISTENERS = 'remove them when the attempt ends';
export const CODES_OF_KIT = `use one of ATTEMPT_ERROR_CODES ${OF_KIT}, such as that of codeOfStatus()`;
export const NO_RUNNER_ERROR =
  'it did not reject with a RunnerError; wrap what the backend throws: new RunnerError(code, message, { cause })';
