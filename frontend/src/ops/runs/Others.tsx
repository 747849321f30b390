import type { RunWhole } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { DataTable } from '../list/DataTable';
import { Moment } from '../Moment';
import { RoomLink } from '../RoomLink';
import { StateMark } from '../StateMark';
import { stateOfRun } from '../state';
import { useOutcome } from './useOutcome';

/** What else ran for the same job and period, or at the same request. */
export function Others({ run }: { run: RunWhole }) {
  const { say } = useLanguage();
  const outcome = useOutcome();
  return (
    <DataTable
      caption={say('run.others')}
      items={run.others}
      keyOf={({ run_id }) => run_id}
      empty={<p>{say('run.noOthers')}</p>}
      columns={[
        {
          id: 'state',
          title: say('ops.col.state'),
          cell: (one) => <StateMark state={stateOfRun(one)} />,
        },
        {
          id: 'job',
          title: say('ops.col.job'),
          cell: ({ run_id, job_name }) => (
            <RoomLink to="/operacoes/execucoes/$id" params={{ id: run_id }}>
              {job_name}
            </RoomLink>
          ),
        },
        {
          id: 'period',
          title: say('ops.col.period'),
          cell: ({ reference_period }) => reference_period ?? '—',
        },
        { id: 'status', title: say('ops.col.status'), wide: true, cell: outcome },
        {
          id: 'why',
          title: say('run.why'),
          wide: true,
          cell: ({ same_trace }) => say(same_trace ? 'run.sameRequest' : 'run.samePeriod'),
        },
        {
          id: 'when',
          title: say('ops.col.when'),
          cell: ({ started_at_utc }) => <Moment iso={started_at_utc} />,
        },
      ]}
    />
  );
}
