import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Check, Connector, Run } from '../api/types';
import type { AlertPageOf } from '../api/watchTypes';
import { useLanguage } from '../i18n/language';
import { formatNumber } from '../text/format';
import type { Search } from '../view/address';
import { asksForSomeone } from './alerts/judge';
import { NowAlerts } from './alerts/NowAlerts';
import { Moment } from './Moment';
import styles from './Ops.module.css';
import { type Column, OpsTable } from './OpsTable';
import { StateMark } from './StateMark';
import {
  latestChecks,
  needsOf,
  reasonOf,
  stateOfCheck,
  stateOfConnector,
  stateOfRun,
} from './state';
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
          {needs.map(({ key, state, kind, name, reason, subjects, since, traceId }) => (
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

function connectorText(item: Connector): string {
  return `${item.connector} ${item.source} ${item.wave} ${item.status}`;
}

export function SourcesList({ connectors }: { connectors: readonly Connector[] }) {
  const { say } = useLanguage();
  const words = useWords();
  const reason = ({ last_verdict, last_status, reason: told }: Connector): string => {
    if (last_verdict) return words('verdict', last_verdict);
    return told ?? (last_status ? '' : say('ops.source.neverRan'));
  };
  const columns: Column<Connector>[] = [
    { title: say('ops.col.source'), cell: ({ source }) => source || '—' },
    { title: say('ops.col.connector'), cell: ({ connector }) => <code>{connector}</code> },
    { title: say('ops.col.wave'), cell: ({ wave }) => wave },
    { title: say('ops.col.status'), cell: ({ status }) => words('ops.connector', status) },
    { title: say('ops.col.reason'), cell: reason },
    {
      title: say('ops.col.when'),
      cell: ({ last_finished_at_utc }) => <Moment iso={last_finished_at_utc ?? null} />,
    },
  ];
  return (
    <OpsTable
      title={say('ops.sources')}
      items={connectors}
      columns={columns}
      keyOf={({ connector }) => connector}
      stateOf={stateOfConnector}
      textOf={connectorText}
    />
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
  const count = (rows: number | null) => formatNumber(rows ?? 0, 0, language);
  const columns: Column<Run>[] = [
    { title: say('ops.col.job'), cell: ({ job_name }) => <code>{job_name}</code> },
    { title: say('ops.col.period'), cell: ({ reference_period }) => reference_period ?? '—' },
    {
      title: say('ops.col.status'),
      cell: ({ run_status, verdict }) =>
        [words('ops.run', run_status), verdict && words('verdict', verdict)]
          .filter(Boolean)
          .join(': '),
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

function checkText(item: Check): string {
  return `${item.check_name} ${item.subject} ${item.status} ${reasonOf(item)}`;
}

export function ChecksList({ checks }: { checks: readonly Check[] }) {
  const { say, language } = useLanguage();
  const latest = useMemo(() => latestChecks(checks), [checks]);
  const figure = (value: number | string | null) =>
    typeof value === 'number'
      ? formatNumber(value, Number.isInteger(value) ? 0 : 2, language)
      : (value ?? '—');
  const columns: Column<Check>[] = [
    { title: say('ops.col.check'), cell: ({ check_name }) => <code>{check_name}</code> },
    { title: say('ops.col.subject'), cell: ({ subject }) => subject ?? '—' },
    { title: say('ops.col.observed'), numeric: true, cell: ({ observed }) => figure(observed) },
    { title: say('ops.col.threshold'), numeric: true, cell: ({ threshold }) => figure(threshold) },
    { title: say('ops.col.reason'), cell: reasonOf },
    { title: say('ops.col.when'), cell: ({ created_at_utc }) => <Moment iso={created_at_utc} /> },
  ];
  return (
    <OpsTable
      title={say('ops.checks')}
      items={latest}
      columns={columns}
      keyOf={({ check_id }) => String(check_id)}
      stateOf={stateOfCheck}
      textOf={checkText}
    />
  );
}
