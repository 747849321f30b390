import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { approveCell, resumeRunbook, runbookRunQuery } from '../../api/runbookQueries';
import type { CellRun, RunbookRunWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatNumber, formatSize } from '../../text/format';
import { Moment } from '../Moment';
import { type Proposal, ReasonDialog } from '../ReasonDialog';
import { RoomLink } from '../RoomLink';
import { reaches, useRoom } from '../room';
import { secondsBetween } from '../runs/judge';
import run from '../runs/Run.module.css';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { searchOfArguments } from './arguments';
import { isQueued, STATE_OF_CELL, STATE_OF_RUN } from './judge';
import styles from './Runbooks.module.css';

function Said({ cell }: { cell: CellRun }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const seconds = cell.started_at && secondsBetween(cell.started_at, cell.finished_at);
  return (
    <li className={styles.cell} data-state={STATE_OF_CELL[cell.status]}>
      <p>
        <StateMark state={STATE_OF_CELL[cell.status]} /> <code>{cell.name}</code>{' '}
        {words('runbook.cell', cell.status)}
        {typeof seconds === 'number' && (
          <> · {say('ops.seconds', { count: formatNumber(seconds, 1, language) })}</>
        )}
        {cell.exit_code !== null && <> · {say('runbook.exit', { code: cell.exit_code })}</>}
        {cell.approved_by && <> · {say('runbook.approvedBy', { who: cell.approved_by })}</>}
      </p>
      {cell.why && <p>{cell.why}</p>}
      {cell.output !== '' && (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
          <pre tabIndex={0}>{cell.output}</pre>
          <p className={styles.proof}>
            {say('runbook.output', { size: formatSize(cell.output_bytes, language) })}{' '}
            <code title={cell.output_sha256}>SHA-256 {cell.output_sha256.slice(0, 12)}</code>
          </p>
        </>
      )}
    </li>
  );
}

/** Having it go on: by a second person where a dangerous cell waits, else by anyone who may. */
function useDecisions({ runbook_run_id, runbook, cells }: RunbookRunWhole) {
  const { say } = useLanguage();
  const { tell } = useRoom();
  const client = useQueryClient();
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const renew = () => client.invalidateQueries({ queryKey: ['ops'] });
  const cell = cells.find(({ status }) => status === 'waiting')?.name ?? '';
  const approve = () =>
    setProposal({
      title: say('runbook.approve.title', { cell }),
      plan: <p>{say('runbook.approve.plan')}</p>,
      button: say('runbook.approve'),
      final: true,
      act: async (reason) => {
        await approveCell(runbook_run_id, reason);
        tell(say('runbook.approved', { cell }));
        await renew();
      },
    });
  const resume = () =>
    setProposal({
      title: say('runbook.resume.title', { runbook }),
      plan: <p>{say('runbook.resume.plan')}</p>,
      button: say('runbook.resume'),
      act: async (reason) => {
        await resumeRunbook(runbook_run_id, reason);
        tell(say('runbook.resumed', { runbook }));
        await renew();
      },
    });
  return { proposal, close: () => setProposal(null), approve, resume };
}

function Whole({ of }: { of: RunbookRunWhole }) {
  const { say } = useLanguage();
  const words = useWords();
  const { viewer } = useRoom();
  const decisions = useDecisions(of);
  const queued = isQueued(of);
  const state = queued ? 'unknown' : STATE_OF_RUN[of.status];
  const may = reaches(viewer.role, 'operator');
  const stopped = !queued && (of.status === 'failed' || of.status === 'interrupted');
  return (
    <>
      <div className={section.verdict} data-state={state}>
        <p role="status">
          <StateMark state={state} /> {words('runbook.status', queued ? 'queued' : of.status)}
        </p>
        {of.error && <p>{of.error}</p>}
        <p>
          {of.actor}: {of.reason} · <Moment iso={of.started_at} />
        </p>
        {Object.entries(of.arguments).map(([name, value]) => (
          <p key={name}>
            <code>
              {name} = {value}
            </code>
          </p>
        ))}
      </div>
      <div className={styles.buttons}>
        {may && of.status === 'waiting' && (
          <Button size="compact-sm" onClick={decisions.approve}>
            {say('runbook.approve')}
          </Button>
        )}
        {may && stopped && of.trigger === 'api' && (
          <Button size="compact-sm" onClick={decisions.resume}>
            {say('runbook.resume')}
          </Button>
        )}
      </div>
      <ol className={styles.said}>
        {of.cells.map((cell) => (
          <Said key={cell.position} cell={cell} />
        ))}
      </ol>
      <p>
        <RoomLink
          to="/operacoes/runbook/$"
          params={{ _splat: of.runbook }}
          search={searchOfArguments(of.arguments)}
        >
          {say('runbook.openAgain')}
        </RoomLink>
      </p>
      <p className={styles.proof}>
        {say('error.trace')} <code>{of.trace_id}</code>
      </p>
      <ReasonDialog proposal={decisions.proposal} onClose={decisions.close} />
    </>
  );
}

/** One execution of a runbook: what each cell said, and who let it. */
export function RunbookRunPage() {
  const { say } = useLanguage();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data, error, refetch } = useQuery(runbookRunQuery(id));
  return (
    <section aria-label={say('runbook.oneRun')}>
      <p className={run.back}>
        <RoomLink to="/operacoes/runbooks">{say('runbook.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>{data?.runbook ?? say('runbook.oneRun')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data ? <Whole of={data} /> : !error && <Waiting lines={10} />}
    </section>
  );
}
