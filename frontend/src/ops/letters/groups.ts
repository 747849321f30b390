import type { Letter } from '../../api/opsTypes';

/** Letters of one source put aside for one reason: what is decided once for all of them. */
export interface LetterGroup {
  key: string;
  source: string;
  reason: string;
  what: Letter['what'];
  ids: number[];
  /** How many runs replaying the rows asks for: those of one job and period share one. */
  runs: number;
  since: string;
}

/** The most numerous first, then the one that waits longest. */
export function groupsOf(letters: readonly Letter[]): LetterGroup[] {
  const found = new Map<string, LetterGroup & { asked: Set<string> }>();
  for (const one of letters) {
    const key = JSON.stringify([one.entity_type, one.reason, one.what]);
    const group = found.get(key) ?? {
      key,
      source: one.entity_type,
      reason: one.reason,
      what: one.what,
      ids: [],
      runs: 0,
      since: one.created_at_utc,
      asked: new Set<string>(),
    };
    group.ids.push(one.dead_letter_id);
    group.asked.add(
      one.what === 'row' ? `${one.job_name}/${one.reference_period}` : String(one.dead_letter_id),
    );
    if (one.created_at_utc < group.since) group.since = one.created_at_utc;
    found.set(key, group);
  }
  return [...found.values()]
    .map(({ asked, ...group }) => ({ ...group, runs: asked.size }))
    .sort((a, b) => b.ids.length - a.ids.length || (a.since < b.since ? -1 : 1));
}
