import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Check, Run } from '../api/types';
import type { AlertPageOf } from '../api/watchTypes';
import { useLanguage } from '../i18n/language';
import { formatNumber } from '../text/format';
import type { Search } from '../view/address';
import { asksForSomeone } from './alerts/judge';
import { NowAlerts } from './alerts/NowAlerts';
import { Moment } from './Moment';
import styles from './Ops.module.css';
import { type Column, OpsTable } from './OpsTable';
import { RoomLink } from './RoomLink';
import { useOutcome } from './runs/useOutcome';
import { StateMark } from './StateMark';
import { needsOf, stateOfRun } from './state';
import type { RoomNeed } from './useRoomNeeds';
import { useWords } from './words';

const NAME_OF = {
  '/operacoes/fila': 'room.queue',
  '/operacoes/mortos': 'room.letters',
  '/operacoes/auditoria': 'room.audit',
  '/operacoes/copias': 'room.backups',
} as const;

function RoomNeedItem({ need }: { need: RoomNeed }) {
  const { say } = useLanguage();
  const name = say(NAME_OF[need.to]);
  return (
    <li data-state={need.state}>
      <StateMark state={need.state} />
      <span className={styles.needName}>
        {say('now.section')} {name}
      </span>
      <span className={styles.needReason}>{need.reason}</span>
      <Link to={need.to} search={({ lang }: Search): Search => (lang ? { lang } : {})}>
        {say('now.open')}
        <span className="visually-hidden">: {name}</span>
      </Link>
    </li>
  );
}

export function NeedsList(props: {
  runs: readonly Run[];
  checks: readonly Check[];
  rooms: readonly RoomNeed[];
  alerts: AlertPageOf | undefined;
}) {
  const { runs, checks, rooms, alerts } = props;
  const { say } = useLanguage();
  const asking = useMemo(() => alerts?.items.filter(asksForSomeone) ?? [], [alerts]);
  const needs = useMemo(() => {
    // A run that failed and the alert about it are one thing to do.
    const told = new Set(asking.flatMap((one) => [one.subject, ...Object.values(one.arguments)]));
    return needsOf(runs, checks).filter(({ kind, name }) => kind !== 'run' || !told.has(name));
  }, [runs, checks, asking]);
  return (
    <section aria-label={say('ops.now')} className={styles.needs}>
      <h2>{say('ops.now')}</h2>
      <NowAlerts />
      {needs.length + rooms.length === 0 ? (
        alerts &&
        asking.length === 0 && (
          <p>
            <StateMark state="ok" /> {say('ops.now.none')}
          </p>
        )
      ) : (
        <ul>
          {rooms
            .filter(({ state }) => state === 'critical')
            .map((need) => (
              <RoomNeedItem key={need.to} need={need} />
            ))}
          {needs.map(({ key, state, kind, name, reason, subjects, since, traceId, runId }) => (
            <li key={key} data-state={state}>
              <StateMark state={state} />
              <span className={styles.needName}>
                {say(kind === 'check' ? 'ops.col.check' : 'ops.col.job')} <code>{name}</code>
              </span>
              <span className={styles.needReason}>
                {reason}
                {subjects.length > 0 && (
                  <small>
                    {say('ops.now.many', { count: subjects.length, subjects: subjects.join(', ') })}
                  </small>
                )}
              </span>
              <span className={styles.needSince}>
                <Moment iso={since} />
                {traceId && (
                  <>
                    {' '}
                    · {say('error.trace')} <code>{traceId}</code>
                  </>
                )}
              </span>
              {runId !== null ? (
                <RoomLink to="/operacoes/execucoes/$id" params={{ id: runId }}>
                  {say('now.run')}
                  <span className="visually-hidden">: {name}</span>
                </RoomLink>
              ) : (
                <RoomLink to="/operacoes/verificacoes" search={{ filter: name }}>
                  {say('now.open')}
                  <span className="visually-hidden">: {name}</span>
                </RoomLink>
              )}
            </li>
          ))}
          {rooms
            .filter(({ state }) => state !== 'critical')
            .map((need) => (
              <RoomNeedItem key={need.to} need={need} />
            ))}
        </ul>
      )}
    </section>
  );
}

function runText(item: Run): string {
  return `${item.job_name} ${item.reference_period} ${item.run_status} ${item.run_id} ${item.trace_id}`;
}

function secondsOf({ started_at_utc, finished_at_utc }: Run): number | null {
  if (!finished_at_utc) return null;
  return (new Date(finished_at_utc).getTime() - new Date(started_at_utc).getTime()) / 1000;
}

export function RunsList({ runs }: { runs: readonly Run[] }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const outcome = useOutcome();
  const count = (rows: number | null) => formatNumber(rows ?? 0, 0, language);
  const columns: Column<Run>[] = [
    {
      title: say('ops.col.job'),
      cell: ({ run_id, job_name }) => (
        <RoomLink to="/operacoes/execucoes/$id" params={{ id: run_id }}>
          <code>{job_name}</code>
        </RoomLink>
      ),
    },
    { title: say('ops.col.period'), cell: ({ reference_period }) => reference_period ?? '—' },
    {
      title: say('ops.col.status'),
      cell: outcome,
    },
    { title: say('ops.col.origin'), cell: ({ source_type }) => words('ops.source', source_type) },
    {
      title: say('ops.col.balance'),
      numeric: true,
      cell: (run) =>
        run.rows_read === null
          ? '—'
          : `${count(run.rows_read)} = ${count(run.rows_loaded)} + ${count(run.rows_rejected)} + ${count(run.rows_duplicate)}`,
    },
    {
      title: say('ops.col.duration'),
      numeric: true,
      cell: (run) => {
        const seconds = secondsOf(run);
        return seconds === null
          ? '—'
          : say('ops.seconds', { count: formatNumber(seconds, 1, language) });
      },
    },
    { title: say('ops.col.when'), cell: ({ started_at_utc }) => <Moment iso={started_at_utc} /> },
  ];
  return (
    <OpsTable
      title={say('ops.runs')}
      items={runs}
      columns={columns}
      keyOf={({ run_id }) => run_id}
      stateOf={stateOfRun}
      textOf={runText}
    />
  );
}
