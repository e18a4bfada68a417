import { EXIT } from '../output/exit-code.js';

/** Stops on the first signal, so that results are still printed; quits on the second one. */
export function stopOnSignals(stop: (reason: string, signal: NodeJS.Signals) => void) {
  let received: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (received !== undefined) process.exit(signalExitCode(signal));
    received = signal;
    stop(signal === 'SIGTERM' ? 'terminated' : 'interrupted', signal);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    get received() {
      return received;
    },
    stop() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}

/**
 * Does what Ctrl-C does, for a terminal that reads it as a key. A signal of its own would end a process on Windows
 * at once.
 */
export function interruptProcess(): void {
  if (!process.emit('SIGINT', 'SIGINT')) process.exit(EXIT.interrupted);
}

export function signalExitCode(signal: NodeJS.Signals | undefined): number {
  return signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}
