import { EXIT } from '../output/exit-code.js';

/** Cancels on the first signal, so that results are still printed; quits on the second one. */
export function cancelOnSignals(cancel: (reason: string) => void) {
  let received: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (received !== undefined) process.exit(signalExitCode(signal));
    received = signal;
    cancel(signal === 'SIGTERM' ? 'terminated' : 'interrupted');
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

export function signalExitCode(signal: NodeJS.Signals | undefined): number {
  return signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}
