import { useQuery } from '@tanstack/react-query';
import { ALERTS, openAlertsQuery } from '../../api/watchQueries';
import { type Alert, SEVERITIES } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { Choice } from '../list/Choice';
import type { DataColumn } from '../list/DataTable';
import { ServedList } from '../list/ServedList';
import { useListSearch } from '../list/useListSearch';
import { Moment } from '../Moment';
import { RoomLink } from '../RoomLink';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { AlertMark } from './AlertMark';
import { Levels } from './Levels';
import { WatchNote } from './WatchNote';
import { Windows } from './Windows';

const STATES = ['late', 'failed', 'unknown', 'silenced'] as const;
const STATUSES = ['open', 'resolved', 'all'] as const;

function useColumns(): DataColumn<Alert>[] {
  const { say } = useLanguage();
  const words = useWords();
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: (alert) => <AlertMark alert={alert} />,
      value: ({ shown, severity }) => `${shown} ${severity}`,
    },
    {
      id: 'title',
      title: say('alert.one'),
      cell: (alert) => (
        <RoomLink to="/operacoes/alertas/$id" params={{ id: String(alert.alert_id) }}>
          {alert.title}
        </RoomLink>
      ),
      value: ({ title }) => title,
    },
    {
      id: 'shown',
      title: say('ops.col.status'),
      wide: true,
      cell: ({ shown, acknowledged, flapping, follows }) =>
        [
          words('alert.shown', shown),
          acknowledged && say('alert.isAcked'),
          flapping && say('alert.flaps'),
          follows !== null && say('alert.follows'),
        ]
          .filter(Boolean)
          .join(', '),
      value: ({ shown }) => shown,
    },
    {
      id: 'owner',
      title: say('alert.col.owner'),
      wide: true,
      cell: ({ owner }) => owner,
      value: ({ owner }) => owner,
    },
    {
      id: 'count',
      title: say('alert.count'),
      numeric: true,
      wide: true,
      cell: ({ count }) => count,
      value: ({ count }) => count,
    },
    {
      id: 'since',
      title: say('alert.since'),
      cell: ({ first_seen_at }) => <Moment iso={first_seen_at} />,
      value: ({ first_seen_at }) => first_seen_at,
    },
    {
      id: 'resolved',
      title: say('alert.resolvedAt'),
      wide: true,
      cell: ({ resolved_at }) => <Moment iso={resolved_at} />,
      value: ({ resolved_at }) => resolved_at,
    },
  ];
}

/** Every alert, the open ones first; then the service levels and the maintenance announced. */
export function AlertsPage() {
  const { say } = useLanguage();
  const words = useWords();
  const { search } = useListSearch();
  const columns = useColumns();
  const open = useQuery(openAlertsQuery).data;
  return (
    <section aria-label={say('alert.list')}>
      <div className={section.head}>
        <h2>{say('alert.list')}</h2>
      </div>
      {open && <WatchNote page={open} />}
      <ServedList<Alert>
        title={say('alert.list')}
        name="alertas"
        served={ALERTS}
        query={{
          status: search.status === 'open' ? undefined : search.status,
          severity: search.severity,
          state: search.state,
        }}
        columns={columns}
        keyOf={({ alert_id }) => String(alert_id)}
        filters={
          <>
            <Choice
              label={say('key.show')}
              name="status"
              usual="open"
              options={STATUSES.map((status) => [status, words('alert.status', status)])}
            />
            <Choice
              label={say('alert.severity')}
              name="severity"
              options={SEVERITIES.map((one) => [one, words('severity', one)])}
            />
            <Choice
              label={say('ops.col.state')}
              name="state"
              options={STATES.map((state) => [state, words('alert.shown', state)])}
            />
          </>
        }
        empty={
          <p>
            <StateMark state={open?.evaluated_at ? 'ok' : 'unknown'} /> {say('alert.none')}
          </p>
        }
      />
      <Levels />
      <Windows />
    </section>
  );
}
