import { useQuery } from '@tanstack/react-query';
import { auditChainsQuery } from '../../api/opsQueries';
import type { AuditChain, AuditChains } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import { Command } from '../Command';
import { type DataColumn, DataTable } from '../list/DataTable';
import { Moment } from '../Moment';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import styles from './Audit.module.css';
import { STATE_OF, troubled } from './judge';

function Verdict({ chains }: { chains: AuditChains }) {
  const { say } = useLanguage();
  const { state, verified_at } = chains;
  return (
    <div className={section.verdict} data-state={STATE_OF[state]}>
      <p>
        <StateMark state={STATE_OF[state]} /> {say(`audit.verdict.${state}`)}{' '}
        {verified_at && (
          <>
            {say('audit.verified')} <Moment iso={verified_at} />.
          </>
        )}
      </p>
      {[
        ...chains.problems,
        ...troubled(chains).map(({ stream, bad_seq, problem }) =>
          bad_seq === null ? `${stream}: ${problem}` : `${stream}:${bad_seq} — ${problem}`,
        ),
      ].map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
      {state !== 'ok' && (
        <Command text=".venv/bin/atalaia audit verify" what={say('audit.verify.what')} />
      )}
    </div>
  );
}

/** Whether the log is still what was written: in one sentence, then chain by chain. */
export function ChainsPanel() {
  const { say, language } = useLanguage();
  const { data, error, refetch } = useQuery(auditChainsQuery);
  if (!data) {
    return error ? <Refusal error={error} onRetry={() => void refetch()} /> : <Waiting lines={3} />;
  }
  const number = (value: number | null) =>
    value === null ? '—' : formatNumber(value, 0, language);
  const columns: DataColumn<AuditChain>[] = [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: ({ state }) => <StateMark state={STATE_OF[state]} />,
    },
    { id: 'stream', title: say('audit.stream'), cell: ({ stream }) => <code>{stream}</code> },
    { id: 'seq', title: say('audit.records'), numeric: true, cell: ({ seq }) => number(seq) },
    { id: 'at', title: say('audit.newest'), cell: ({ at }) => <Moment iso={at} /> },
    {
      id: 'anchored',
      title: say('audit.anchored'),
      numeric: true,
      wide: true,
      cell: ({ anchored_seq }) => number(anchored_seq),
    },
    {
      id: 'anchored_at',
      title: say('audit.anchoredAt'),
      wide: true,
      cell: ({ anchored_at }) => <Moment iso={anchored_at} />,
    },
    {
      id: 'hash',
      title: say('audit.hash'),
      wide: true,
      cell: ({ hash }) => <code title={hash}>{hash.slice(0, 12)}</code>,
    },
  ];
  return (
    <>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept />}
      <Verdict chains={data} />
      <details className={styles.chains} open={data.state === 'fail'}>
        <summary>{say('audit.chains', { count: data.items.length })}</summary>
        <DataTable
          caption={say('audit.chains.caption')}
          items={data.items}
          columns={columns}
          keyOf={({ stream }) => stream}
          empty={<p>{say('audit.chains.none')}</p>}
        />
      </details>
    </>
  );
}
