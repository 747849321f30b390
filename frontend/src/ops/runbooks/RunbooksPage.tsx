import { useQuery } from '@tanstack/react-query';
import { runbookRunsQuery, runbooksQuery } from '../../api/runbookQueries';
import type { RunbookName } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import type { DataColumn } from '../list/DataTable';
import { LocalList } from '../list/LocalList';
import { RoomLink } from '../RoomLink';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { RunbookRuns } from './RunbookRuns';

const keyOf = ({ name }: RunbookName) => name;
const textOf = ({ name, title, owner, alerts }: RunbookName) =>
  `${name} ${title} ${owner} ${alerts.join(' ')}`;

function useColumns(): DataColumn<RunbookName>[] {
  const { say } = useLanguage();
  const words = useWords();
  return [
    {
      id: 'name',
      title: say('runbook.one'),
      cell: ({ name, title }) => (
        <>
          <RoomLink to="/operacoes/runbook/$" params={{ _splat: name }}>
            {title}
          </RoomLink>{' '}
          <code>{name}</code>
        </>
      ),
      value: ({ name }) => name,
    },
    {
      id: 'severity',
      title: say('alert.severity'),
      wide: true,
      cell: ({ severity }) => words('severity', severity),
      value: ({ severity }) => severity,
    },
    {
      id: 'owner',
      title: say('alert.col.owner'),
      wide: true,
      cell: ({ owner }) => owner,
      value: ({ owner }) => owner,
    },
    {
      id: 'alerts',
      title: say('runbook.answers'),
      wide: true,
      cell: ({ alerts }) => (alerts.length > 0 ? <code>{alerts.join(', ')}</code> : '—'),
      value: ({ alerts }) => alerts.join(' '),
    },
    {
      id: 'place',
      title: say('runbook.place'),
      cell: ({ place, danger }) =>
        [words('runbook.place', place), danger && say('runbook.hasDanger')]
          .filter(Boolean)
          .join(', '),
      value: ({ place }) => place,
    },
  ];
}

/** What to do when something happens, and what was done. */
export function RunbooksPage() {
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery(runbooksQuery);
  const runs = useQuery(runbookRunsQuery()).data;
  const columns = useColumns();
  return (
    <section aria-label={say('runbook.list')}>
      <div className={section.head}>
        <h2>{say('runbook.list')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data?.broken.map((why) => (
        <p key={why}>
          <StateMark state="critical" /> {say('runbook.broken', { why })}
        </p>
      ))}
      {data && (
        <LocalList
          title={say('runbook.list')}
          name="runbooks"
          items={data.items}
          columns={columns}
          keyOf={keyOf}
          textOf={textOf}
          usual={{ column: 'name', descending: false }}
          empty={<p>{say('runbook.none')}</p>}
        />
      )}
      <div className={section.head}>
        <h2>{say('runbook.runs')}</h2>
      </div>
      {runs && <RunbookRuns runs={runs.items} />}
    </section>
  );
}
