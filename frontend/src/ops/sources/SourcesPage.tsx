import { useQuery } from '@tanstack/react-query';
import { sourcesQuery } from '../../api/sourceQueries';
import type { Source } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import type { DataColumn } from '../list/DataTable';
import { LocalList } from '../list/LocalList';
import { Moment } from '../Moment';
import section from '../Section.module.css';
import { rankOfSource } from './judge';
import { SourceName, useStanding } from './Standing';
import { Strip, StripLegend } from './Strip';

const keyOf = ({ connector }: Source) => connector;
const textOf = ({ connector, source, wave, says }: Source) =>
  `${connector} ${source} ${wave} ${says}`;

function useColumns(): DataColumn<Source>[] {
  const { say, language } = useLanguage();
  const standing = useStanding();
  const figure = (
    id: 'failed' | 'late_days' | 'not_published' | 'schema_changes' | 'certificate_changes',
    title: string,
  ): DataColumn<Source> => ({
    id,
    title,
    numeric: true,
    wide: true,
    cell: (one) => formatNumber(one[id], 0, language),
    value: (one) => one[id],
  });
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: standing,
      value: rankOfSource,
    },
    {
      id: 'name',
      title: say('ops.col.source'),
      cell: (one) => <SourceName source={one} />,
      value: ({ connector }) => connector,
    },
    {
      id: 'strip',
      title: say('source.strip'),
      cell: ({ connector, days }) => <Strip days={days} of={connector} />,
    },
    {
      id: 'says',
      title: say('source.verdict'),
      wide: true,
      cell: ({ says }) => says || '—',
      value: ({ says }) => says,
    },
    figure('late_days', say('source.lateDays')),
    figure('failed', say('source.failed')),
    figure('not_published', say('source.silent')),
    figure('schema_changes', say('source.schemaChanges')),
    figure('certificate_changes', say('source.certificateChanges')),
    {
      id: 'good',
      title: say('source.lastGood'),
      wide: true,
      cell: ({ last_good_at }) => <Moment iso={last_good_at} />,
      value: ({ last_good_at }) => last_good_at,
    },
  ];
}

/** Every source: how it stands, its last ninety days, how often it failed us. */
export function SourcesPage() {
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery(sourcesQuery);
  const columns = useColumns();
  return (
    <section aria-label={say('ops.sources')}>
      <div className={section.head}>
        <h2>{say('source.list')}</h2>
      </div>
      <StripLegend />
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <LocalList
          title={say('source.list')}
          name="fontes"
          items={data.items}
          columns={columns}
          keyOf={keyOf}
          textOf={textOf}
          usual={{ column: 'state', descending: false }}
          empty={<p>{say('source.none')}</p>}
        />
      )}
    </section>
  );
}
