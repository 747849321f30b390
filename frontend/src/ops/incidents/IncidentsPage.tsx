import { Button } from '@mantine/core';
import { INCIDENTS } from '../../api/incidentQueries';
import type { ListedIncident } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { Choice } from '../list/Choice';
import type { DataColumn } from '../list/DataTable';
import { ServedList } from '../list/ServedList';
import { useListSearch } from '../list/useListSearch';
import { Moment } from '../Moment';
import { ReasonDialog } from '../ReasonDialog';
import { RoomLink } from '../RoomLink';
import { reaches, useRoom } from '../room';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { stateOfIncident } from './judge';
import { useEnterIncident } from './useEnterIncident';
import { useIncidentActs } from './useIncidentActs';

function useColumns(): DataColumn<ListedIncident>[] {
  const { say } = useLanguage();
  const words = useWords();
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: (one) => (
        <>
          <StateMark state={stateOfIncident(one)} />{' '}
          <small>{words('incident.status', one.status)}</small>
        </>
      ),
      value: ({ status }) => status,
    },
    {
      id: 'title',
      title: say('incident.one'),
      cell: ({ incident_id, title }) => (
        <RoomLink to="/operacoes/incidentes/$id" params={{ id: String(incident_id) }}>
          {title}
        </RoomLink>
      ),
      value: ({ title }) => title,
    },
    {
      id: 'severity',
      title: say('alert.severity'),
      wide: true,
      cell: ({ severity }) => words('severity', severity),
      value: ({ severity }) => severity,
    },
    {
      id: 'commander',
      title: say('incident.commander'),
      wide: true,
      cell: ({ commander }) => commander,
      value: ({ commander }) => commander,
    },
    {
      id: 'alerts',
      title: say('alert.list'),
      numeric: true,
      wide: true,
      cell: ({ alerts }) => alerts,
      value: ({ alerts }) => alerts,
    },
    {
      id: 'declared',
      title: say('incident.declared'),
      cell: ({ declared_at }) => <Moment iso={declared_at} />,
      value: ({ declared_at }) => declared_at,
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

/** What went wrong badly enough to be told, newest first. */
export function IncidentsPage() {
  const { say } = useLanguage();
  const words = useWords();
  const { search } = useListSearch();
  const columns = useColumns();
  const { viewer } = useRoom();
  const acts = useIncidentActs();
  const enter = useEnterIncident();
  return (
    <section aria-label={say('incident.list')}>
      <div className={section.head}>
        <h2>{say('incident.list')}</h2>
        {reaches(viewer.role, 'operator') && (
          <Button size="compact-sm" onClick={() => acts.declare(null, enter)}>
            {say('incident.declare')}
          </Button>
        )}
      </div>
      <ServedList<ListedIncident>
        title={say('incident.list')}
        name="incidentes"
        served={INCIDENTS}
        query={{ status: search.status }}
        columns={columns}
        keyOf={({ incident_id }) => String(incident_id)}
        filters={
          <Choice
            label={say('key.show')}
            name="status"
            options={(['open', 'resolved'] as const).map((status) => [
              status,
              words('alert.status', status),
            ])}
          />
        }
        empty={
          <p>
            <StateMark state="ok" /> {say('incident.none')}
          </p>
        }
      />
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </section>
  );
}
