import { expect, test } from 'vitest';
import type { TaskModel } from '../model/run-model.js';
import type { Fold } from './fold-tasks.js';
import { nodeName } from './node-words.js';

const tasks = (count: number) => Array.from({ length: count }, () => ({}) as TaskModel);

test.each<[Fold['kind'], string, number, string]>([
  ['task', 'a-short-name', 1, 'a-short-name'],
  ['task', 'summary-of-all-the-papers', 1, 'summary-of-all-the…'],
  ['alike', '*-1-summarise', 4, '*-1-summarise'],
  ['alike', 'latam-*-summarise', 166, 'latam-…arise'],
  ['group', 'profile-of-suppliers', 36, 'profile-of-s…'],
])('the name of a %s "%s" of %d fits beside its number', (kind, label, count, name) => {
  expect(nodeName({ id: label, label, kind, tasks: tasks(count), depth: 0 })).toBe(name);
});
