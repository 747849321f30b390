import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { runQuery } from '../../api/watchQueries';
import type { RunWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatMoment, formatNumber } from '../../text/format';
import { CopyButton } from '../CopyButton';
import { Answers } from '../checks/Answers';
import { Moment } from '../Moment';
import { RoomLink } from '../RoomLink';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { stateOfRun } from '../state';
import { Again } from './Again';
import { Contracts } from './Contracts';
import { Files } from './Files';
import { balances, secondsBetween } from './judge';
import { Lineage } from './Lineage';
import { Log } from './Log';
import { Others } from './Others';
import styles from './Run.module.css';
import { Timeline } from './Timeline';
import { useOutcome } from './useOutcome';

function Outcome({ run }: { run: RunWhole }) {
  const { say, language } = useLanguage();
  const outcome = useOutcome();
  const state = stateOfRun(run);
  const seconds = secondsBetween(run.started_at_utc, run.finished_at_utc);
  return (
    <div className={section.verdict} data-state={state}>
      <p>
        <StateMark state={state} /> {outcome(run)} ·{' '}
        <Moment iso={run.finished_at_utc ?? run.started_at_utc} />
        {seconds !== null && (
          <> · {say('ops.seconds', { count: formatNumber(seconds, 1, language) })}</>
        )}
        {run.attempt > 1 && <> · {say('run.attempt', { count: run.attempt })}</>}
      </p>
      {run.error && <p>{run.error}</p>}
      {(run.details?.warnings ?? []).map((warning) => (
        <p key={warning}>
          <StateMark state="warn" /> {warning}
        </p>
      ))}
    </div>
  );
}

function Balance({ run }: { run: RunWhole }) {
  const { say, language } = useLanguage();
  const whole = balances(run);
  if (whole === null) return <p className={styles.none}>{say('run.noRows')}</p>;
  const parts = [
    ['run.read', run.rows_read],
    ['run.loaded', run.rows_loaded],
    ['run.rejected', run.rows_rejected],
    ['run.duplicate', run.rows_duplicate],
  ] as const;
  return (
    <>
      <dl className={styles.balance}>
        {parts.map(([name, rows], at) => (
          <div key={name}>
            <dt>{say(name)}</dt>
            <dd>
              {at > 0 && <span aria-hidden="true">{at === 1 ? '=' : '+'} </span>}
              {formatNumber(rows ?? 0, 0, language)}
            </dd>
          </div>
        ))}
      </dl>
      {run.run_status !== 'running' && (
        <p className={styles.none}>
          <StateMark state={whole ? 'ok' : 'critical'} />{' '}
          {say(whole ? 'run.balanced' : 'run.unbalanced')}
          {run.dead_letters > 0 && (
            <>
              {' '}
              <RoomLink to="/operacoes/mortos" search={{ source: run.job_name }}>
                {say('run.seeLetters')}
              </RoomLink>
            </>
          )}
        </p>
      )}
    </>
  );
}

function Asked({ run }: { run: RunWhole }) {
  const { say, language } = useLanguage();
  return (
    <dl className={styles.about}>
      <dt>{say('audit.actor')}</dt>
      <dd>
        {run.actor} ({run.trigger})
      </dd>
      <dt>{say('ops.col.reason')}</dt>
      <dd>{run.reason || say('audit.noReason')}</dd>
      <dt>{say('run.began')}</dt>
      <dd>{formatMoment(run.started_at_utc, language)}</dd>
      <dt>{say('run.ended')}</dt>
      <dd>{run.finished_at_utc ? formatMoment(run.finished_at_utc, language) : '—'}</dd>
      <dt>{say('error.run')}</dt>
      <dd>
        <code>{run.run_id}</code> <CopyButton text={run.run_id} what={say('error.run')} />
      </dd>
      {run.trace_id && (
        <>
          <dt>{say('error.trace')}</dt>
          <dd>
            <code>{run.trace_id}</code> <CopyButton text={run.trace_id} what={say('error.trace')} />
          </dd>
        </>
      )}
    </dl>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className={styles.part}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Whole({ run }: { run: RunWhole }) {
  const { say } = useLanguage();
  return (
    <>
      <Outcome run={run} />
      <div className={styles.parts}>
        <Part title={say('run.balance')}>
          <Balance run={run} />
        </Part>
        <Part title={say('run.lineage')}>
          <Lineage run={run} />
        </Part>
        <Part title={say('run.steps')}>
          <Timeline run={run} />
        </Part>
        <Part title={say('run.asked')}>
          <Asked run={run} />
        </Part>
      </div>
      <Part title={say('run.files')}>
        <Files files={run.bronze} />
      </Part>
      <Part title={say('source.contracts')}>
        <Contracts contracts={run.contracts} />
      </Part>
      <Part title={say('ops.checks')}>
        <Answers checks={run.checks} />
      </Part>
      <Part title={say('run.others')}>
        <Others run={run} />
      </Part>
      <Part title={say('run.log')}>
        <Log run={run} />
      </Part>
    </>
  );
}

/** One execution: how it ended, where its rows went, what it did, read and checked. */
export function RunPage() {
  const { say } = useLanguage();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data, error, refetch } = useQuery(runQuery(id));
  const title = data
    ? [data.job_name, data.reference_period].filter(Boolean).join(' · ')
    : say('run.one');
  return (
    <section aria-label={title}>
      <p className={styles.back}>
        <RoomLink to="/operacoes/execucoes">{say('run.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>{title}</h2>
        {data && <Again run={data} />}
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data ? <Whole run={data} /> : !error && <Waiting lines={10} />}
    </section>
  );
}
