import { readmeConformance } from '@stratagem/test-kit';
import { expect } from 'vitest';
import { callsOf, mockOf } from '../test/model.js';
import { aiSdk } from './index.js';
import { AI_SDK_OPTIONS } from './options.js';

readmeConformance({
  file: new URL('../README.md', import.meta.url),
  options: { Options: AI_SDK_OPTIONS },
  program: {
    async run(execute) {
      const model = mockOf({ text: 'Sea, Sky, Sand' }, { text: 'Sea' });
      expect(await execute({ aiSdk, mistral: () => model })).toEqual(['Sea']);
      expect(JSON.stringify(callsOf(model)[1]?.prompt)).toContain('Sea, Sky, Sand');
    },
  },
});
