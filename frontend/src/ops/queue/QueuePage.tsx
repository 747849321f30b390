import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { queueQuery, summaryQuery } from '../../api/opsQueries';
import type { Queue } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import type { Search } from '../../view/address';
import { Command } from '../Command';
import { Moment } from '../Moment';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { Batches } from './Batches';
import { STATE_OF_QUEUE, verdictOf } from './judge';
import { Schedule } from './Schedule';

function Verdict({ queue }: { queue: Queue }) {
  const { say, language } = useLanguage();
  const summary = useQuery(summaryQuery);
  const verdict = verdictOf(queue);
  const state = STATE_OF_QUEUE[verdict];
  const number = (value: number) => formatNumber(value, 0, language);
  const dead = summary.data?.dead_letters ?? 0;
  const alive = queue.workers.filter((worker) => worker.alive).length;
  return (
    <div className={section.verdict} data-state={state}>
      <p>
        <StateMark state={state} /> {say(`queue.verdict.${verdict}`)}
      </p>
      <p>
        {say('queue.figures', {
          queued: number(queue.queued),
          running: number(queue.running),
          workers: number(alive),
        })}{' '}
        {(queue.oldest_due_seconds ?? 0) > 0 && (
          <>
            {say('queue.oldest')} <Moment iso={queue.oldest_due_at} />.
          </>
        )}
      </p>
      {queue.kinds.length > 0 && (
        <p>
          {queue.kinds
            .map(({ kind, queued, running }) =>
              say('queue.ofKind', { kind, queued: number(queued), running: number(running) }),
            )
            .join(' · ')}
        </p>
      )}
      {verdict === 'stuck' && <Command text=".venv/bin/atalaia up" what={say('queue.up.what')} />}
      {dead > 0 && (
        <p>
          <StateMark state="warn" />{' '}
          <Link
            to="/operacoes/mortos"
            search={({ lang }: Search): Search => (lang ? { lang } : {})}
          >
            {say('queue.letters', { count: number(dead) })}
          </Link>
        </p>
      )}
    </div>
  );
}

/** The queue: whether it moves, what is in it, and what comes round. */
export function QueuePage() {
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery(queueQuery);
  return (
    <section aria-label={say('room.queue')}>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <>
          <Verdict queue={data} />
          <Batches batches={data.batches} />
          <Schedule />
        </>
      )}
    </section>
  );
}
