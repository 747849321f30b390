import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { Choice } from '../ops/list/Choice';
import type { DataColumn } from '../ops/list/DataTable';
import { LocalList } from '../ops/list/LocalList';
import { useListSearch } from '../ops/list/useListSearch';
import { Moment } from '../ops/Moment';
import { ReasonDialog } from '../ops/ReasonDialog';
import { RoomLink } from '../ops/RoomLink';
import { StateMark } from '../ops/StateMark';
import { useProposal } from '../ops/useProposal';
import { useWords } from '../ops/words';
import { formatNumber } from '../text/format';
import styles from './Cattle.module.css';
import { useMayAct } from './FilesTab';
import { isRetryable } from './judge';
import { lettersQuery, resolveLetter, resolveTransient } from './queries';
import type { CattleLetter } from './types';

const keyOf = ({ id }: CattleLetter) => String(id);
const textOf = (one: CattleLetter) =>
  `${one.id} ${one.entity_type} ${one.entity_id} ${one.original_error} ${JSON.stringify(one.payload)}`;

function useLetterActs() {
  const { say, language } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const resolve = ({ id }: CattleLetter, action: 'replay' | 'discard') => {
    const again = action === 'replay';
    propose({
      title: say(again ? 'cattle.dlq.replay.title' : 'cattle.dlq.discard.title', { id }),
      plan: <p>{say(again ? 'cattle.dlq.replay.plan' : 'cattle.dlq.discard.plan')}</p>,
      button: say(again ? 'cattle.dlq.replay' : 'cattle.dlq.resolve'),
      final: !again,
      act: async (reason) => {
        await resolveLetter(id, action, reason);
        await done(say('cattle.dlq.resolved', { id }));
      },
    });
  };
  const transient = (count: number) =>
    propose({
      title: say('cattle.dlq.transient'),
      plan: <p>{say('cattle.dlq.transient.plan', { count: formatNumber(count, 0, language) })}</p>,
      button: say('cattle.dlq.transient.button'),
      act: async (reason) => {
        const { resolved } = await resolveTransient(reason);
        await done(say('cattle.dlq.transientDone', { count: formatNumber(resolved, 0, language) }));
      },
    });
  return { proposal, close, resolve, transient };
}

function useColumns(acts: ReturnType<typeof useLetterActs> | null): DataColumn<CattleLetter>[] {
  const { say } = useLanguage();
  const words = useWords();
  const columns: DataColumn<CattleLetter>[] = [
    {
      id: 'id',
      title: say('letter.number'),
      numeric: true,
      cell: ({ id }) => id,
      value: ({ id }) => id,
    },
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: ({ resolved }) => <StateMark state={resolved ? 'ok' : 'warn'} />,
      value: ({ resolved }) => Number(resolved),
    },
    {
      id: 'error',
      title: say('ops.col.reason'),
      cell: ({ original_error, payload }) => (
        <details className={styles.letter}>
          <summary>{original_error}</summary>
          <pre>{JSON.stringify(payload, null, 1)}</pre>
        </details>
      ),
      value: ({ original_error }) => original_error,
    },
    {
      id: 'kind',
      title: say('letter.kind'),
      wide: true,
      cell: ({ error_type }) => words('letter.error', error_type),
      value: ({ error_type }) => error_type,
    },
    {
      id: 'entity',
      title: say('letter.place'),
      wide: true,
      cell: ({ entity_type, entity_id }) => (
        <>
          {words('cattle.of', entity_type)} <code>{entity_id.slice(-24)}</code>
        </>
      ),
      value: ({ entity_id }) => entity_id,
    },
    {
      id: 'file',
      title: say('cattle.file'),
      wide: true,
      cell: ({ file_id }) =>
        file_id ? (
          <RoomLink to="/etl-operations/$id" params={{ id: file_id }}>
            {say('now.open')}
          </RoomLink>
        ) : (
          '—'
        ),
    },
    {
      id: 'tries',
      title: say('cattle.tries'),
      numeric: true,
      wide: true,
      cell: ({ retry_count, max_retries }) => `${retry_count} / ${max_retries}`,
      value: ({ retry_count }) => retry_count,
    },
    {
      id: 'when',
      title: say('ops.col.when'),
      wide: true,
      cell: ({ created_at }) => <Moment iso={created_at} />,
      value: ({ created_at }) => created_at,
    },
  ];
  if (!acts) return columns;
  return [
    ...columns,
    {
      id: 'act',
      title: say('list.actions'),
      cell: (letter) =>
        letter.resolved ? (
          (letter.resolved_by ?? '—')
        ) : (
          <span className={styles.acts}>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`${say('cattle.dlq.replay')}: ${letter.id}`}
              onClick={() => acts.resolve(letter, 'replay')}
            >
              {say('cattle.dlq.replay')}
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`${say('cattle.dlq.resolve')}: ${letter.id}`}
              onClick={() => acts.resolve(letter, 'discard')}
            >
              {say('cattle.dlq.resolve')}
            </Button>
          </span>
        ),
    },
  ];
}

/** What was put aside of the feeding files: decided one by one, or what may have passed at once. */
export function LettersTab() {
  const { say } = useLanguage();
  const { search } = useListSearch();
  const may = useMayAct();
  const acts = useLetterActs();
  const columns = useColumns(may ? acts : null);
  const decided = search.decided === 'yes';
  const { data, error, refetch } = useQuery(lettersQuery(decided ? 'resolved' : 'unresolved'));
  const retryable = decided ? 0 : (data?.items.filter(isRetryable).length ?? 0);
  return (
    <>
      {may && retryable > 0 && (
        <p className={styles.transient}>
          <Button size="compact-sm" onClick={() => acts.transient(retryable)}>
            {say('cattle.dlq.transient')}
          </Button>
        </p>
      )}
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <LocalList
          title={say('cattle.dlqTab')}
          name="dead-letter-queue"
          items={data.items}
          columns={columns}
          keyOf={keyOf}
          textOf={textOf}
          usual={{ column: 'id', descending: false }}
          filters={
            <Choice
              label={say('key.show')}
              name="decided"
              usual="no"
              options={[
                ['no', say('letter.show.waiting')],
                ['yes', say('letter.show.decided')],
              ]}
            />
          }
          empty={
            <p>
              <StateMark state="ok" /> {say(decided ? 'letter.noneDecided' : 'letter.none')}
            </p>
          }
        />
      )}
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </>
  );
}
