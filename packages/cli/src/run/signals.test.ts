import { expect, test, vi } from 'vitest';
import { interruptProcess, stopOnSignals } from './signals.js';

test('Ctrl-C that a terminal reads as a key stops a run, and sends no signal', () => {
  const kill = vi.spyOn(process, 'kill');
  const stop = vi.fn();
  const signals = stopOnSignals(stop);
  interruptProcess();
  signals.stop();
  expect(stop).toHaveBeenCalledExactlyOnceWith('interrupted', 'SIGINT');
  expect(signals.received).toBe('SIGINT');
  // On Windows, any signal to a process ends it at once.
  expect(kill).not.toHaveBeenCalled();
});
