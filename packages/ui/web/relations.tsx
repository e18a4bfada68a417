import type { RelatedRun, RunExtras } from '../src/model/extras.js';
import type { RunModel } from '../src/model/run-model.js';

/** More forks of a run are only counted. */
const SHOWN_FORKS = 5;

interface RelationsProps {
  readonly model: RunModel;
  readonly extras: RunExtras;
  /** Whether the page has the other runs, too. */
  readonly isServed: boolean;
}

/** The run that this one was forked from, and the forks of this one. */
export function Relations({ model, extras, isServed }: RelationsProps) {
  const { forks = [] } = extras;
  const more = forks.length - SHOWN_FORKS;
  return (
    <>
      {model.forkedFrom && (
        <span>
          forked from <RunLink {...model.forkedFrom} isServed={isServed} />
        </span>
      )}
      {forks.slice(0, SHOWN_FORKS).map((fork) => (
        <span key={fork.runId}>
          has the fork <RunLink {...fork} isServed={isServed} />
        </span>
      ))}
      {more > 0 && <span>and {more} more</span>}
    </>
  );
}

function RunLink({ runId, text, isServed }: RelatedRun & { readonly isServed: boolean }) {
  const link = isServed ? <a href={`#run=${encodeURIComponent(runId)}`}>{runId}</a> : runId;
  return (
    <>
      {link} {text}
    </>
  );
}
