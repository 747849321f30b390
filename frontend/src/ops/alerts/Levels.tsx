import { useQuery } from '@tanstack/react-query';
import { levelsQuery } from '../../api/watchQueries';
import type { Level } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatMoment, formatNumber } from '../../text/format';
import { DataTable } from '../list/DataTable';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import type { State } from '../state';
import { useWords } from '../words';

const STATE_OF: Record<Level['state'], State> = {
  met: 'ok',
  missed: 'critical',
  unknown: 'unknown',
};

/** Service levels, the moment they are told for, and what may still go wrong. */
export function Levels() {
  const { say, language } = useLanguage();
  const words = useWords();
  const { data } = useQuery(levelsQuery);
  if (!data) return null;
  const figure = (value: number | null, decimals: number) =>
    value === null ? '—' : formatNumber(value, decimals, language);
  return (
    <>
      <div className={section.head}>
        <h2>{say('slo.title')}</h2>
      </div>
      <p className={section.words}>
        {say(data.reference === 'last_evaluation' ? 'slo.ofRound' : 'slo.ofNow', {
          days: data.window_days,
          end: formatMoment(data.window_end, language),
        })}
      </p>
      <DataTable
        caption={say('slo.title')}
        items={data.items}
        keyOf={({ slo }) => slo}
        empty={<p>{say('slo.none')}</p>}
        columns={[
          {
            id: 'state',
            title: say('ops.col.state'),
            cell: ({ state }) => <StateMark state={STATE_OF[state]} />,
          },
          { id: 'slo', title: say('slo.level'), cell: ({ slo }) => words('slo.is', slo) },
          {
            id: 'pct',
            title: say('slo.reached'),
            numeric: true,
            cell: ({ pct }) => figure(pct, 2),
          },
          {
            id: 'target',
            title: say('slo.target'),
            numeric: true,
            cell: ({ target_pct }) => figure(target_pct, 0),
          },
          {
            id: 'left',
            title: say('slo.left'),
            numeric: true,
            wide: true,
            cell: ({ budget }) =>
              say('slo.leftOf', { left: figure(budget.left, 1), ended: figure(budget.ended, 0) }),
          },
          {
            id: 'burn',
            title: say('slo.burn'),
            numeric: true,
            wide: true,
            cell: ({ budget }) => figure(budget.burn_rate, 1),
          },
        ]}
      />
    </>
  );
}
