import type { Run } from '../../api/types';
import { useLanguage } from '../../i18n/language';
import type { MessageKey } from '../../i18n/pt-BR';
import { useWords } from '../words';

type Ended = Pick<Run, 'run_status' | 'verdict'>;

/** Why a run that went well did so on what was kept already. */
const KEPT: Record<NonNullable<Run['verdict']>, MessageKey> = {
  // The run itself did not fail: what failed is our way to the source.
  we_failed: 'run.kept.unreached',
  source_failed: 'verdict.source_failed',
  not_published: 'verdict.not_published',
};

/** How a run ended, in words. One that went well on kept data says so, and why, never 'we failed'. */
export function useOutcome() {
  const { say } = useLanguage();
  const words = useWords();
  return ({ run_status, verdict }: Ended): string => {
    const ended = words('ops.run', run_status);
    if (!verdict) return ended;
    if (run_status !== 'success') return `${ended}: ${words('verdict', verdict)}`;
    const why = (say as (key: MessageKey) => string)(KEPT[verdict] ?? 'run.kept.unreached');
    return say('run.kept', { ended, why });
  };
}
