import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { Dropzone } from '../ops/Dropzone';
import { DataTable } from '../ops/list/DataTable';
import { Paging } from '../ops/list/Paging';
import { useListSearch } from '../ops/list/useListSearch';
import { Moment } from '../ops/Moment';
import { RoomLink } from '../ops/RoomLink';
import { reaches, useRoom } from '../ops/room';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useTry } from '../ops/useTry';
import { useWords } from '../ops/words';
import { formatNumber, formatSize } from '../text/format';
import type { Search } from '../view/address';
import styles from './Equivalence.module.css';
import { endedShare, STATE_OF_JOB, statusOf } from './judge';
import { batchesQuery, sendBatch } from './queries';

const PAGE_ROWS = 50;

/** A file of questions, sent whole: the same file pressed twice is one batch. */
function Send() {
  const { say, language } = useLanguage();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [file, setFile] = useState<{ file: File; once: string } | null>(null);
  const [share, setShare] = useState(0);
  const { busy, error, attempt } = useTry();
  const send = () => {
    if (file === null) return;
    void attempt(async () => {
      const { id } = await sendBatch(file.file, file.once, setShare);
      await client.invalidateQueries({ queryKey: ['ops', 'equivalence-batches'] });
      await navigate({
        to: '/equivalencia/lotes/$id',
        params: { id },
        search: ({ lang }: Search): Search => (lang ? { lang } : {}),
      });
    });
  };
  return (
    <>
      <Dropzone
        accept=".jsonl,.ndjson,.json"
        label={say('eq.batch.choose')}
        onFiles={([chosen]) => {
          if (chosen) setFile({ file: chosen, once: crypto.randomUUID() });
          setShare(0);
        }}
      >
        {file
          ? say('eq.batch.file', {
              name: file.file.name,
              size: formatSize(file.file.size, language),
            })
          : say('eq.batch.words')}
      </Dropzone>
      {file && (
        <div className={styles.ask}>
          <Button loading={busy} onClick={send}>
            {say('eq.batch.send')}
          </Button>
          {busy && (
            <label className={styles.progress}>
              {say('eq.batch.sending', { percent: formatNumber(100 * share, 0, language) })}
              <progress max={1} value={share} />
            </label>
          )}
        </div>
      )}
      {error && <Refusal error={error} onRetry={send} />}
    </>
  );
}

/** Many questions at once: sent as a file, done by workers, followed here. */
export function BatchesPage() {
  const { say, language } = useLanguage();
  const words = useWords();
  const { viewer } = useRoom();
  const { search, put } = useListSearch();
  const page = Math.max(1, Math.trunc(Number(search.page)) || 1);
  const { data, error, refetch } = useQuery(batchesQuery(page));
  const number = (value: number, decimals = 0) => formatNumber(value, decimals, language);
  const go = (to: number) => () => put({ page: to === 1 ? undefined : String(to) });
  const may = viewer.role === 'client' || reaches(viewer.role, 'operator');
  return (
    <section aria-label={say('eq.batches')}>
      {may && <Send />}
      <div className={section.head}>
        <h2>{say('eq.batches')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={6} />}
      {data && (
        <>
          <DataTable
            caption={say('eq.batches')}
            items={data.items}
            keyOf={({ id }) => id}
            empty={<p>{say('eq.batch.none')}</p>}
            columns={[
              {
                id: 'state',
                title: say('ops.col.state'),
                cell: (one) => (
                  <>
                    <StateMark state={STATE_OF_JOB[statusOf(one)]} />{' '}
                    <small>{words('eq.job', statusOf(one))}</small>
                  </>
                ),
              },
              {
                id: 'id',
                title: say('queue.batch'),
                cell: ({ id }) => (
                  <RoomLink to="/equivalencia/lotes/$id" params={{ id }}>
                    <code title={id}>{id.slice(0, 8)}</code>
                  </RoomLink>
                ),
              },
              {
                id: 'ended',
                title: say('eq.batch.ended'),
                numeric: true,
                cell: (one) => number(endedShare(one)),
              },
              {
                id: 'total',
                title: say('eq.batch.items'),
                numeric: true,
                cell: ({ total }) => number(total),
              },
              {
                id: 'dead',
                title: say('queue.dead'),
                numeric: true,
                wide: true,
                cell: ({ dead }) => number(dead),
              },
              { id: 'actor', title: say('audit.actor'), wide: true, cell: ({ actor }) => actor },
              {
                id: 'created',
                title: say('queue.asked'),
                cell: ({ created_at }) => <Moment iso={created_at} />,
              },
            ]}
          />
          <Paging
            text={say('eq.batch.page', { page: number(page), count: number(data.items.length) })}
            onPrevious={page > 1 ? go(page - 1) : undefined}
            onNext={data.items.length === PAGE_ROWS ? go(page + 1) : undefined}
          />
        </>
      )}
    </section>
  );
}
