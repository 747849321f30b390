import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { connectorsQuery } from '../../api/queries';
import { RUNS } from '../../api/watchQueries';
import type { ListedRun } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import bar from '../list/Bar.module.css';
import { Choice } from '../list/Choice';
import type { DataColumn } from '../list/DataTable';
import { ServedList } from '../list/ServedList';
import { useListSearch } from '../list/useListSearch';
import { Moment } from '../Moment';
import { RoomLink } from '../RoomLink';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { stateOfRun } from '../state';
import { useWords } from '../words';
import { secondsBetween } from './judge';
import { useOutcome } from './useOutcome';

const STATUSES = [
  'running',
  'success',
  'failed',
  'blocked',
  'manual_required',
  'cancelled',
] as const;
/** Jobs that no connector of a wave stands for. */
const OTHER_JOBS = ['dbt_build', 'quality_suite'];

function useColumns(): DataColumn<ListedRun>[] {
  const { say, language } = useLanguage();
  const outcome = useOutcome();
  const count = (rows: number | null) => formatNumber(rows ?? 0, 0, language);
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: (run) => <StateMark state={stateOfRun(run)} />,
      value: ({ run_status }) => run_status,
    },
    {
      id: 'job',
      title: say('ops.col.job'),
      cell: ({ run_id, job_name }) => (
        <RoomLink to="/operacoes/execucoes/$id" params={{ id: run_id }}>
          <code>{job_name}</code>
        </RoomLink>
      ),
      value: ({ job_name }) => job_name,
    },
    {
      id: 'period',
      title: say('ops.col.period'),
      cell: ({ reference_period }) => reference_period ?? '—',
      value: ({ reference_period }) => reference_period,
    },
    {
      id: 'status',
      title: say('ops.col.status'),
      wide: true,
      cell: outcome,
      value: outcome,
    },
    {
      id: 'rows',
      title: say('ops.col.balance'),
      numeric: true,
      wide: true,
      cell: (run) =>
        run.rows_read === null
          ? '—'
          : `${count(run.rows_read)} = ${count(run.rows_loaded)} + ${count(run.rows_rejected)} + ${count(run.rows_duplicate)}`,
      value: ({ rows_read }) => rows_read,
    },
    {
      id: 'seconds',
      title: say('ops.col.duration'),
      numeric: true,
      wide: true,
      cell: ({ started_at_utc, finished_at_utc }) => {
        const seconds = secondsBetween(started_at_utc, finished_at_utc);
        return seconds === null
          ? '—'
          : say('ops.seconds', { count: formatNumber(seconds, 1, language) });
      },
      value: ({ started_at_utc, finished_at_utc }) =>
        secondsBetween(started_at_utc, finished_at_utc),
    },
    {
      id: 'actor',
      title: say('audit.actor'),
      wide: true,
      cell: ({ actor, trigger }) => `${actor} (${trigger})`,
      value: ({ actor }) => actor,
    },
    {
      id: 'when',
      title: say('ops.col.when'),
      cell: ({ started_at_utc }) => <Moment iso={started_at_utc} />,
      value: ({ started_at_utc }) => started_at_utc,
    },
  ];
}

/** Every execution of a job, newest first. */
export function RunsPage() {
  const { say } = useLanguage();
  const words = useWords();
  const { search, put } = useListSearch();
  const columns = useColumns();
  const connectors = useQuery(connectorsQuery).data?.items ?? [];
  const jobs = [...new Set([...connectors.map(({ job_name }) => job_name), ...OTHER_JOBS])].sort();
  return (
    <section aria-label={say('ops.runs')}>
      <div className={section.head}>
        <h2>{say('ops.runs')}</h2>
      </div>
      <ServedList<ListedRun>
        title={say('ops.runs')}
        name="execucoes"
        served={RUNS}
        query={{ job_name: search.job, run_status: search.status, since: search.since }}
        columns={columns}
        keyOf={({ run_id }) => run_id}
        filters={
          <>
            <Choice label={say('ops.col.job')} name="job" options={jobs.map((job) => [job, job])} />
            <Choice
              label={say('ops.col.status')}
              name="status"
              options={STATUSES.map((status) => [status, words('ops.run', status)])}
            />
            <TextInput
              type="date"
              className={bar.field}
              size="xs"
              label={say('audit.since')}
              value={search.since ?? ''}
              onChange={({ currentTarget: { value } }) =>
                put({ since: value || undefined, page: undefined })
              }
            />
          </>
        }
        empty={<p>{say('run.none')}</p>}
      />
    </section>
  );
}
