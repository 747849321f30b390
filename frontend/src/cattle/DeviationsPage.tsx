import { useComputedColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import bar from '../ops/list/Bar.module.css';
import { Choice } from '../ops/list/Choice';
import { type DataColumn, DataTable } from '../ops/list/DataTable';
import { DayRange } from '../ops/list/DayRange';
import { ExportButton } from '../ops/list/ExportButton';
import { useListSearch } from '../ops/list/useListSearch';
import { RoomLink } from '../ops/RoomLink';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useWords } from '../ops/words';
import { formatNumber } from '../text/format';
import styles from './Cattle.module.css';
import { daysOf, linesOf, STATE_OF_LIGHT } from './judge';
import { deviationsQuery } from './queries';
import { type Deviation, type Deviations, GROUPS, STAGES } from './types';

const LineChart = lazy(() =>
  import('../profile/LineChart').then(({ LineChart: it }) => ({ default: it })),
);

function useColumns(): DataColumn<Deviation>[] {
  const { say, language } = useLanguage();
  const words = useWords();
  const number = (value: number | null, decimals = 0) =>
    value === null ? '—' : formatNumber(value, decimals, language);
  const kilos = (id: 'planned_kg' | 'fed_kg' | 'deviation_kg'): DataColumn<Deviation> => ({
    id,
    title: words('cattle.kg', id),
    numeric: true,
    wide: id !== 'deviation_kg',
    cell: (one) => number(one[id]),
    value: (one) => one[id],
  });
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: ({ status }) =>
        status ? (
          <>
            <StateMark state={STATE_OF_LIGHT[status]} />{' '}
            <small>{words('cattle.light', status)}</small>
          </>
        ) : (
          <StateMark state="unknown" />
        ),
      value: ({ status }) => status,
    },
    { id: 'key', title: say('cattle.who'), cell: ({ key }) => key, value: ({ key }) => key },
    {
      id: 'percent',
      title: say('cattle.deviationPercent'),
      numeric: true,
      cell: ({ deviation_pc }) => number(deviation_pc, 2),
      value: ({ deviation_pc }) => deviation_pc,
    },
    kilos('deviation_kg'),
    kilos('planned_kg'),
    kilos('fed_kg'),
    {
      id: 'rows',
      title: say('cattle.rows'),
      numeric: true,
      wide: true,
      cell: ({ rows }) => number(rows),
      value: ({ rows }) => rows,
    },
    {
      id: 'from',
      title: say('cattle.cameFrom'),
      wide: true,
      cell: ({ files }) =>
        files.slice(0, 3).map(({ id, filename }, at) => (
          <span key={id}>
            {at > 0 && ', '}
            <RoomLink to="/etl-operations/$id" params={{ id }}>
              {filename}
            </RoomLink>
          </span>
        )),
    },
  ];
}

function Chart({ data }: { data: Deviations }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const scheme = useComputedColorScheme('light');
  const lines = linesOf(data.items);
  const title = say('cattle.chart', { group: words('cattle.group', data.by) });
  const date = (day: string) => day.split('-').reverse().slice(0, 2).join('/');
  return (
    <section aria-label={title} className={styles.chart}>
      <h3>{title}</h3>
      <Suspense fallback={<Waiting lines={6} />}>
        <LineChart
          series={lines}
          periods={daysOf(data.items)}
          scheme={scheme}
          label={`${title}. ${say('cattle.chart.twin')}`}
          formatValue={(value) => `${formatNumber(value, 1, language)} %`}
          formatPeriod={date}
        />
      </Suspense>
    </section>
  );
}

interface Day {
  key: string;
  day: Deviation['series'][number];
}

/** What the lines say, for who hears them or wants the figures. */
function Days({ data }: { data: Deviations }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const number = (value: number | null, decimals = 0) =>
    value === null ? '—' : formatNumber(value, decimals, language);
  const days: Day[] = data.items.flatMap(({ key, series }) => series.map((day) => ({ key, day })));
  const columns: DataColumn<Day>[] = [
    { id: 'key', title: say('cattle.who'), cell: ({ key }) => key, value: ({ key }) => key },
    {
      id: 'date',
      title: say('cattle.day'),
      cell: ({ day }) => day.date.split('-').reverse().join('/'),
      value: ({ day }) => day.date,
    },
    {
      id: 'planned',
      title: words('cattle.kg', 'planned_kg'),
      numeric: true,
      cell: ({ day }) => number(day.planned_kg),
      value: ({ day }) => day.planned_kg,
    },
    {
      id: 'fed',
      title: words('cattle.kg', 'fed_kg'),
      numeric: true,
      cell: ({ day }) => number(day.fed_kg),
      value: ({ day }) => day.fed_kg,
    },
    {
      id: 'percent',
      title: say('cattle.deviationPercent'),
      numeric: true,
      cell: ({ day }) => number(day.deviation_pc, 2),
      value: ({ day }) => day.deviation_pc,
    },
  ];
  return (
    <details>
      <summary>{say('cattle.days')}</summary>
      <ExportButton
        title={say('cattle.days')}
        name={`desvios-por-dia-${data.by}`}
        columns={columns}
        rowsOf={() => days}
      />
      <DataTable
        caption={say('cattle.days')}
        items={days}
        columns={columns}
        keyOf={({ key, day }) => `${key}/${day.date}`}
        empty={<p>{say('cattle.noDeviations')}</p>}
      />
    </details>
  );
}

/** Planned against fed, the worst first: by diet, pen, wagon, operator or ingredient, and by day. */
export function DeviationsPage() {
  const { say } = useLanguage();
  const words = useWords();
  const { search, put } = useListSearch();
  const columns = useColumns();
  const by = search.by ?? 'diet';
  // Only a diet is told of by both; with nothing chosen the API takes the one that has rows.
  const stage = by === 'diet' ? search.stage : undefined;
  const question = { by, stage, from: search.from, to: search.to };
  const { data, error, refetch } = useQuery(deviationsQuery(question));
  return (
    <section aria-label={say('cattle.deviations')}>
      <p className={section.words}>{say('cattle.deviations.words')}</p>
      <div className={bar.bar}>
        <Choice
          label={say('cattle.by')}
          name="by"
          usual="diet"
          options={GROUPS.map((one) => [one, words('cattle.group', one)])}
        />
        {by === 'diet' && data && (
          <Choice
            label={say('cattle.stage')}
            name="stage"
            usual={data.stage}
            options={STAGES.map((one) => [one, words('cattle.stage', one)])}
          />
        )}
        <DayRange
          ends={['from', 'to']}
          days={{ from: search.from ?? data?.from, to: search.to ?? data?.to }}
          onChange={put}
        />
        <ExportButton
          title={say('cattle.deviations')}
          name={`desvios-${by}`}
          columns={columns}
          rowsOf={() => data?.items ?? []}
        />
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <>
          <p className={styles.rule}>
            {(Object.keys(data.status_rule) as (keyof Deviations['status_rule'])[]).map((light) => (
              <span key={light}>
                <StateMark state={STATE_OF_LIGHT[light]} /> {words('cattle.light', light)}:{' '}
                {data.status_rule[light]}{' '}
              </span>
            ))}
          </p>
          {data.items.length > 0 && <Chart data={data} />}
          <DataTable
            caption={say('cattle.deviations')}
            items={data.items}
            columns={columns}
            keyOf={({ key }) => key}
            empty={<p>{say('cattle.noDeviations')}</p>}
          />
          {data.items.length > 0 && <Days data={data} />}
        </>
      )}
    </section>
  );
}
