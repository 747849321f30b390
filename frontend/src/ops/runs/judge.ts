import type { RunWhole, Step } from '../../api/watchTypes';

type Rows = Pick<RunWhole, 'rows_read' | 'rows_loaded' | 'rows_rejected' | 'rows_duplicate'>;

/** Whether every row read is accounted for; null when the run counted none. */
export function balances({ rows_read, rows_loaded, rows_rejected, rows_duplicate }: Rows) {
  if (rows_read === null) return null;
  return rows_read === (rows_loaded ?? 0) + (rows_rejected ?? 0) + (rows_duplicate ?? 0);
}

/** From the first moment to the last in seconds; null while it goes on. */
export function secondsBetween(from: string, to: string | null): number | null {
  return to === null ? null : (new Date(to).getTime() - new Date(from).getTime()) / 1000;
}

export interface Bar {
  step: Step;
  /** Where it begins and how long it is, in hundredths of the whole run. */
  left: number;
  width: number;
}

/** Below this a bar could not be seen. */
const LEAST_WIDTH = 0.5;

/** The steps beside one another in time. A step without seconds is still going on. */
export function barsOf(run: Pick<RunWhole, 'started_at_utc' | 'finished_at_utc' | 'steps'>): Bar[] {
  const begins = new Date(run.started_at_utc).getTime();
  const ends = run.steps.map(({ started_at, seconds }) =>
    seconds === undefined ? Date.now() : new Date(started_at).getTime() + seconds * 1000,
  );
  const end = run.finished_at_utc ? new Date(run.finished_at_utc).getTime() : Math.max(...ends);
  const span = Math.max(1, end - begins);
  const part = (ms: number) => Math.min(100, Math.max(0, (100 * ms) / span));
  return run.steps.map((step, at) => {
    const from = new Date(step.started_at).getTime();
    const width = Math.max(LEAST_WIDTH, part((ends[at] ?? from) - from));
    return { step, left: Math.min(part(from - begins), 100 - width), width };
  });
}

const OF_ITS_OWN = new Set(['name', 'title', 'started_at', 'seconds', 'connector', 'table']);

/** What a step says of itself beside its name and time: counts and short words. */
export function factsOf(step: Step): [string, string | number][] {
  return Object.entries(step).filter(
    (fact): fact is [string, string | number] =>
      !OF_ITS_OWN.has(fact[0]) && (typeof fact[1] === 'number' || typeof fact[1] === 'string'),
  );
}
