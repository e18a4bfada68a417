import { expect, test } from 'vitest';
import { DELIVERY_OPTIONS, TASK_OPTIONS } from '../contract/call-options.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import { contentKeyOf } from './content-key.js';

const request: TaskRequest = {
  ...{ taskId: 'a', type: 'action', prompt: 'p', plainPrompt: 'p', description: 'p' },
  ...{ inputs: {}, metadata: {} },
};
const keyOf = (options: object, settings: object = {}) => {
  const runner: TaskRunner = {
    name: 'r',
    settings: { ...settings },
    run: async () => ({ output: 1 }),
  };
  return contentKeyOf({ ...request, options }, runner, 'r/m');
};

test.each(TASK_OPTIONS)(
  'the option %s is part of the key if it can change an answer',
  async (name) => {
    const plain = await keyOf({});
    const isDelivery = DELIVERY_OPTIONS.includes(name);
    for (const key of [await keyOf({ [name]: 'x' }), await keyOf({}, { [name]: 'x' })]) {
      expect(key === plain).toBe(isDelivery);
    }
  },
);
