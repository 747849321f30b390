import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { cancelBatch } from '../api/opsQueries';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { save } from '../download/save';
import { useLanguage } from '../i18n/language';
import { DataTable } from '../ops/list/DataTable';
import { Paging } from '../ops/list/Paging';
import { useListSearch } from '../ops/list/useListSearch';
import { Moment } from '../ops/Moment';
import { ReasonDialog } from '../ops/ReasonDialog';
import { RoomLink } from '../ops/RoomLink';
import { reaches, useRoom } from '../ops/room';
import run from '../ops/runs/Run.module.css';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useProposal } from '../ops/useProposal';
import { useTry } from '../ops/useTry';
import { useWords } from '../ops/words';
import { formatNumber } from '../text/format';
import styles from './Equivalence.module.css';
import { endedShare, STATE_OF_DECISION, STATE_OF_JOB } from './judge';
import { jobQuery, resultsOf, resultsQuery } from './queries';
import type { BatchResult, Job } from './types';

const PAGE_ROWS = 50;
const MOST_ROWS = 500;

function Progress({ job }: { job: Job }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const number = (value: number, decimals = 0) => formatNumber(value, decimals, language);
  const state = STATE_OF_JOB[job.status];
  return (
    <div className={section.verdict} data-state={state}>
      <p role="status">
        <StateMark state={state} /> {words('eq.job', job.status)} ·{' '}
        <Moment iso={job.finished_at ?? job.created_at} />
      </p>
      <label className={styles.progress}>
        {say('eq.batch.progress', {
          ended: number(job.done + job.dead + job.cancelled),
          total: number(job.total),
          percent: number(endedShare(job)),
        })}
        <progress max={100} value={endedShare(job)} />
      </label>
      <p>
        {say('eq.batch.counts', {
          done: number(job.done),
          queued: number(job.queued),
          running: number(job.running),
          dead: number(job.dead),
        })}
      </p>
      {job.errors.map(({ position, error }) => (
        <p key={position}>
          <StateMark state="critical" />{' '}
          {say('eq.batch.error', { position: number(position + 1), error })}
        </p>
      ))}
    </div>
  );
}

/** Every result, a page at a time, one line each as the API gave it. */
async function everyResult(id: string, total: number): Promise<Blob> {
  const lines: string[] = [];
  for (let page = 1; (page - 1) * MOST_ROWS < total; page += 1) {
    const { items } = await resultsOf(id, page, MOST_ROWS);
    lines.push(...items.map((one) => `${JSON.stringify(one)}\n`));
  }
  return new Blob(lines, { type: 'application/x-ndjson' });
}

function Buttons({ job }: { job: Job }) {
  const { say, language } = useLanguage();
  const { viewer } = useRoom();
  const { busy, error, attempt } = useTry();
  const { proposal, close, propose, done } = useProposal();
  const may = viewer.role === 'client' || reaches(viewer.role, 'operator');
  const download = () =>
    void attempt(async () =>
      save(`equivalencias-${job.id}.jsonl`, await everyResult(job.id, job.total)),
    );
  const cancel = () =>
    propose({
      title: say('queue.cancel.title', { kind: job.kind }),
      plan: (
        <p>
          {say('queue.cancel.plan', {
            queued: formatNumber(job.queued, 0, language),
            running: formatNumber(job.running, 0, language),
          })}
        </p>
      ),
      button: say('queue.cancel.button'),
      final: true,
      act: async (reason) => {
        await cancelBatch(job.id, reason);
        await done(say('queue.cancelled', { kind: job.kind }));
      },
    });
  return (
    <div className={styles.ask}>
      <Button size="compact-sm" variant="default" loading={busy} onClick={download}>
        {say('eq.batch.download')}
      </Button>
      {may && job.finished_at === null && (
        <Button size="compact-sm" variant="default" onClick={cancel}>
          {say('queue.cancel')}
        </Button>
      )}
      {error && <Refusal error={error} onRetry={download} />}
      <ReasonDialog proposal={proposal} onClose={close} />
    </div>
  );
}

function Results({ job }: { job: Job }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const { search, put } = useListSearch();
  const page = Math.max(1, Math.trunc(Number(search.page)) || 1);
  const ended = job.done + job.dead + job.cancelled;
  const { data, error, refetch } = useQuery(resultsQuery(job.id, page, PAGE_ROWS, ended));
  const number = (value: number, decimals = 0) => formatNumber(value, decimals, language);
  const go = (to: number) => () => put({ page: to === 1 ? undefined : String(to) });
  const stateOf = ({ status, result }: BatchResult) => {
    if (status === 'done' && result) return STATE_OF_DECISION[result.decisao];
    return status === 'dead' ? 'critical' : status === 'cancelled' ? 'muted' : 'unknown';
  };
  if (error && !data) return <Refusal error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting lines={6} />;
  return (
    <>
      <DataTable
        caption={say('eq.batch.results')}
        items={data.items}
        keyOf={({ position }) => String(position)}
        empty={<p>{say('list.noneFits')}</p>}
        columns={[
          {
            id: 'position',
            title: say('eq.batch.position'),
            numeric: true,
            cell: ({ position }) => number(position + 1),
          },
          {
            id: 'decision',
            title: say('eq.decisionTitle'),
            cell: (one) => (
              <>
                <StateMark state={stateOf(one)} />{' '}
                <small>
                  {one.result
                    ? words('eq.decision', one.result.decisao)
                    : words('eq.batch.item', one.status)}
                </small>
              </>
            ),
          },
          {
            id: 'score',
            title: say('eq.score'),
            numeric: true,
            cell: ({ result }) => (result ? number(result.score, 1) : '—'),
          },
          {
            id: 'request',
            title: say('eq.request'),
            cell: ({ result }) =>
              result ? (
                <RoomLink to="/equivalencia/avaliacoes/$id" params={{ id: result.evaluation_id }}>
                  <code>{result.request_id}</code>
                </RoomLink>
              ) : (
                '—'
              ),
          },
          {
            id: 'says',
            title: say('ops.col.reason'),
            wide: true,
            cell: ({ result, error: why }) => result?.justificativa_curta ?? why ?? '—',
          },
        ]}
      />
      <Paging
        text={say('list.range', {
          from: number(Math.min((page - 1) * PAGE_ROWS + 1, data.total)),
          to: number((page - 1) * PAGE_ROWS + data.items.length),
          total: number(data.total),
        })}
        onPrevious={page > 1 ? go(page - 1) : undefined}
        onNext={page * PAGE_ROWS < data.total ? go(page + 1) : undefined}
      />
    </>
  );
}

/** One batch: how far it is, and what each of its questions was answered. */
export function BatchPage() {
  const { say } = useLanguage();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data, error, refetch } = useQuery(jobQuery(id));
  return (
    <section aria-label={say('eq.batch.one')}>
      <p className={run.back}>
        <RoomLink to="/equivalencia/lotes">{say('eq.batch.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>
          {say('eq.batch.one')} <code title={id}>{id.slice(0, 8)}</code>
        </h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <>
          <Progress job={data} />
          <Buttons job={data} />
          <Results job={data} />
        </>
      )}
    </section>
  );
}
