import { expect, test } from 'vitest';
import { type Place, readPlace, writePlace } from './place.js';

test('the address restores the exact view', () => {
  const place: Place = {
    run: 'a b#c',
    tab: 'tasks',
    mode: 'slots',
    task: 'profile[7]&x=1',
    from: 10,
    to: 2_000,
    theme: 'dark',
    with: 'other',
    open: ['3|*-analyse', 'profile'],
  };
  expect(readPlace(writePlace(place))).toEqual(place);
});

test('an unknown tab, mode or time in the address is ignored', () => {
  expect(readPlace('#tab=x&mode=y&from=abc&theme=pink')).toMatchObject({
    tab: 'timeline',
    mode: undefined,
    from: undefined,
    theme: undefined,
    open: [],
  });
});
