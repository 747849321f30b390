import { useQuery } from '@tanstack/react-query';
import { auditChainsQuery, backupsQuery, queueQuery, summaryQuery } from '../api/opsQueries';
import { useLanguage } from '../i18n/language';
import { formatNumber } from '../text/format';
import { STATE_OF } from './audit/judge';
import { STATE_OF_QUEUE, verdictOf } from './queue/judge';
import { reaches, useRoom } from './room';
import { bySeverity, type State } from './state';

/** Something a section of the room asks a person for, and where. */
export interface RoomNeed {
  to: '/operacoes/fila' | '/operacoes/mortos' | '/operacoes/auditoria' | '/operacoes/copias';
  state: State;
  reason: string;
}

/** What the other sections ask a person for now, worst first. What they do not ask is left out. */
export function useRoomNeeds(): RoomNeed[] {
  const { say, language } = useLanguage();
  const { viewer } = useRoom();
  const queue = useQuery(queueQuery).data;
  const dead = useQuery(summaryQuery).data?.dead_letters ?? 0;
  const guard = useQuery(backupsQuery).data?.guard;
  const chains = useQuery({ ...auditChainsQuery, enabled: reaches(viewer.role, 'auditor') }).data;
  const needs: RoomNeed[] = [];
  if (queue) {
    const verdict = verdictOf(queue);
    const reason = say(`queue.verdict.${verdict}`);
    needs.push({ to: '/operacoes/fila', state: STATE_OF_QUEUE[verdict], reason });
  }
  if (dead > 0) {
    const reason = say('queue.letters', { count: formatNumber(dead, 0, language) });
    needs.push({ to: '/operacoes/mortos', state: 'warn', reason });
  }
  if (chains) {
    const reason = say(`audit.verdict.${chains.state}`);
    needs.push({ to: '/operacoes/auditoria', state: STATE_OF[chains.state], reason });
  }
  if (guard && !guard.guarded) {
    const reason = say('now.notGuarded', { hours: guard.limit_hours });
    needs.push({ to: '/operacoes/copias', state: 'warn', reason });
  }
  return needs
    .filter(({ state }) => state === 'critical' || state === 'warn')
    .sort((a, b) => bySeverity(a.state, b.state));
}
