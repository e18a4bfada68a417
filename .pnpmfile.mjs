/** The condition under which the packages of this repository see each other's source. */
const SOURCE = '@stratagem/source';

export const hooks = {
  /** A published package has no condition that is only for this repository. */
  beforePacking(manifest) {
    for (const target of Object.values(manifest.exports ?? {})) {
      if (typeof target === 'object') delete target[SOURCE];
    }
    return manifest;
  },
};
