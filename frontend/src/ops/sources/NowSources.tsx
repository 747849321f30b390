import { useQuery } from '@tanstack/react-query';
import { sourcesQuery } from '../../api/sourceQueries';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { OpsTable } from '../OpsTable';
import { useWords } from '../words';
import { isOnlyPlanned, stateOfSource } from './judge';
import { SourceName } from './Standing';
import { Strip, StripLegend } from './Strip';

/** The sources as the first screen has them: a strip each, the worst first, the planned last. */
export function NowSources() {
  const { say } = useLanguage();
  const words = useWords();
  const { data, error, refetch } = useQuery(sourcesQuery);
  if (!data) {
    return error ? <Refusal error={error} onRetry={() => void refetch()} /> : <Waiting lines={4} />;
  }
  return (
    <>
      <OpsTable
        title={say('ops.sources')}
        items={data.items}
        keyOf={({ connector }) => connector}
        stateOf={stateOfSource}
        lastOf={isOnlyPlanned}
        textOf={({ connector, source, says }) => `${connector} ${source} ${says}`}
        columns={[
          { title: say('ops.col.source'), cell: (one) => <SourceName source={one} /> },
          { title: say('ops.col.status'), cell: (one) => words('source.state', one.state) },
          {
            title: say('source.strip'),
            cell: ({ connector, days }) => <Strip days={days} of={connector} />,
          },
          { title: say('source.verdict'), cell: ({ says }) => says || '—' },
        ]}
      />
      <StripLegend />
    </>
  );
}
