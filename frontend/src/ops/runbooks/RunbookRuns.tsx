import type { RunbookRun } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { DataTable } from '../list/DataTable';
import { Moment } from '../Moment';
import { RoomLink } from '../RoomLink';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { STATE_OF_RUN } from './judge';

/** What was done by runbook, newest first. */
export function RunbookRuns({ runs }: { runs: readonly RunbookRun[] }) {
  const { say } = useLanguage();
  const words = useWords();
  return (
    <DataTable
      caption={say('runbook.runs')}
      items={runs}
      keyOf={({ runbook_run_id }) => runbook_run_id}
      empty={<p>{say('runbook.noRuns')}</p>}
      columns={[
        {
          id: 'state',
          title: say('ops.col.state'),
          cell: ({ status }) => (
            <>
              <StateMark state={STATE_OF_RUN[status]} />{' '}
              <small>{words('runbook.status', status)}</small>
            </>
          ),
        },
        {
          id: 'runbook',
          title: say('runbook.one'),
          cell: ({ runbook_run_id, runbook }) => (
            <RoomLink to="/operacoes/runbooks-executados/$id" params={{ id: runbook_run_id }}>
              {runbook}
            </RoomLink>
          ),
        },
        { id: 'actor', title: say('audit.actor'), wide: true, cell: ({ actor }) => actor },
        { id: 'reason', title: say('ops.col.reason'), wide: true, cell: ({ reason }) => reason },
        {
          id: 'when',
          title: say('ops.col.when'),
          cell: ({ started_at }) => <Moment iso={started_at} />,
        },
      ]}
    />
  );
}
