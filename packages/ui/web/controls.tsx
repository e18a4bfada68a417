import { useEffect, useRef, useState } from 'preact/hooks';
import type { RunExtras } from '../src/model/extras.js';
import type { RunModel } from '../src/model/run-model.js';
import { plural } from '../src/view/format.js';
import { type Act, BusyButton } from './notes.js';

/** What a person can do with a run under way; each button is busy until its event has come. */
export function Controls({ model, extras, act }: { model: RunModel; extras: RunExtras; act: Act }) {
  const [asks, setAsks] = useState(false);
  const offers = (control: string) => extras.controls?.includes(control as never) ?? false;
  if (!model.isLive) return null;
  const limit = model.caps.at(-1)?.[1] ?? null;
  const shown = limit ?? model.figures.peak;
  return (
    <>
      {offers('setMaxParallel') && (
        <span class="ctl num" role="group" aria-label="Parallel tasks">
          <span>Parallel</span>
          <BusyButton
            class="step"
            disabled={shown <= 1}
            act={() => act({ control: 'setMaxParallel', maxParallel: shown - 1 })}
          >
            −<span class="sr">One fewer</span>
          </BusyButton>
          <b>{limit ?? '∞'}</b>
          <BusyButton
            class="step"
            disabled={limit === null}
            act={() => act({ control: 'setMaxParallel', maxParallel: shown + 1 })}
          >
            +<span class="sr">One more</span>
          </BusyButton>
        </span>
      )}
      {offers('pause') && (
        <BusyButton class="btn" act={() => act({ control: model.isPaused ? 'resume' : 'pause' })}>
          {model.isPaused ? 'Continue' : 'Pause'}
        </BusyButton>
      )}
      {offers('cancel') && (
        <button type="button" class="btn bad" onClick={() => setAsks(true)}>
          Cancel run
        </button>
      )}
      {asks && (
        <CancelDialog model={model} extras={extras} act={act} close={() => setAsks(false)} />
      )}
    </>
  );
}

function CancelDialog({
  model,
  extras,
  act,
  close,
}: {
  model: RunModel;
  extras: RunExtras;
  act: Act;
  close: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const running = model.figures.counts.running;
  const end = async (control: 'cancel' | 'interrupt') => {
    await act({ control });
    close();
  };
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="cancel-title">
      <h2 id="cancel-title">Cancel the run?</h2>
      <p>
        {running > 0
          ? `${plural(running, 'running task')} ${running === 1 ? 'stops' : 'stop'}; `
          : ''}
        outputs so far are kept.
      </p>
      {extras.controls?.includes('interrupt') && (
        <p class="mut">Interrupted instead of canceled, the run can be resumed later.</p>
      )}
      <div class="acts">
        <button type="button" class="btn" onClick={close}>
          Keep running
        </button>
        {extras.controls?.includes('interrupt') && (
          <BusyButton class="btn" act={() => end('interrupt')}>
            Interrupt
          </BusyButton>
        )}
        <BusyButton class="btn bad" act={() => end('cancel')}>
          Cancel run
        </BusyButton>
      </div>
    </dialog>
  );
}
