import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { checksQuery } from '../../api/queries';
import type { ListedCheck } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { Choice } from '../list/Choice';
import type { DataColumn } from '../list/DataTable';
import table from '../list/DataTable.module.css';
import { LocalList } from '../list/LocalList';
import { useListSearch } from '../list/useListSearch';
import { Moment } from '../Moment';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { latestChecks, rankOf, reasonOf, stateOfCheck } from '../state';
import { CheckDrawer } from './CheckDrawer';
import { samplesOf, useFigure } from './said';

const keyOf = ({ check_id }: ListedCheck) => String(check_id);
const textOf = (one: ListedCheck) =>
  `${one.check_name} ${one.subject} ${one.job_name} ${one.status} ${reasonOf(one)}`;

const STATUSES = [
  ['fail', 'state.critical'],
  ['warn', 'state.warn'],
  ['pass', 'state.ok'],
] as const;

function useColumns(onOpen: (id: string) => void): DataColumn<ListedCheck>[] {
  const { say } = useLanguage();
  const figure = useFigure();
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: (check) => <StateMark state={stateOfCheck(check)} />,
      value: (check) => rankOf(stateOfCheck(check)),
    },
    {
      id: 'check',
      title: say('ops.col.check'),
      cell: (check) => (
        <button type="button" className={table.open} onClick={() => onOpen(keyOf(check))}>
          {check.check_name}
        </button>
      ),
      value: ({ check_name }) => check_name,
    },
    {
      id: 'subject',
      title: say('ops.col.subject'),
      cell: ({ subject }) => subject ?? '—',
      value: ({ subject }) => subject,
    },
    {
      id: 'observed',
      title: say('ops.col.observed'),
      numeric: true,
      wide: true,
      cell: ({ observed }) => figure(observed),
      value: ({ observed }) => observed,
    },
    {
      id: 'threshold',
      title: say('ops.col.threshold'),
      numeric: true,
      wide: true,
      cell: ({ threshold }) => figure(threshold),
      value: ({ threshold }) => threshold,
    },
    {
      id: 'reason',
      title: say('ops.col.reason'),
      wide: true,
      cell: reasonOf,
      value: reasonOf,
    },
    {
      id: 'samples',
      title: say('check.col.samples'),
      numeric: true,
      wide: true,
      cell: (check) => samplesOf(check).length || '—',
      value: (check) => samplesOf(check).length,
    },
    {
      id: 'when',
      title: say('ops.col.when'),
      wide: true,
      cell: ({ created_at_utc }) => <Moment iso={created_at_utc} />,
      value: ({ created_at_utc }) => created_at_utc,
    },
  ];
}

/** What each check said last, the worst first, with the rows that failed it. */
export function ChecksPage() {
  const { say } = useLanguage();
  const { search, put, step } = useListSearch();
  const { data, error, refetch } = useQuery(checksQuery);
  const columns = useColumns((open) => step({ open }));
  const latest = useMemo(() => latestChecks(data?.items ?? []), [data]);
  const items = latest.filter(({ status }) => !search.status || status === search.status);
  return (
    <section aria-label={say('ops.checks')}>
      <div className={section.head}>
        <h2>{say('check.list')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <LocalList
          title={say('check.list')}
          name="verificacoes"
          items={items}
          columns={columns}
          keyOf={keyOf}
          textOf={textOf}
          usual={{ column: 'state', descending: false }}
          filters={
            <Choice
              label={say('ops.col.state')}
              name="status"
              options={STATUSES.map(([status, state]) => [status, say(state)])}
            />
          }
          empty={<p>{say('check.none')}</p>}
        />
      )}
      <CheckDrawer
        check={latest.find((check) => keyOf(check) === search.open)}
        onClose={() => put({ open: undefined })}
      />
    </section>
  );
}
