import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { cancelBatch } from '../../api/opsQueries';
import type { Batch } from '../../api/opsTypes';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import type { DataColumn } from '../list/DataTable';
import { LocalList } from '../list/LocalList';
import { Moment } from '../Moment';
import { type Proposal, ReasonDialog } from '../ReasonDialog';
import { reaches, useRoom } from '../room';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { STATE_OF_BATCH, wordOfBatch } from './judge';

const keyOf = ({ id }: Batch) => id;
const textOf = ({ id, kind, actor, reason, trigger }: Batch) =>
  `${id} ${kind} ${actor} ${reason} ${trigger}`;

function useColumns(onCancel: ((batch: Batch) => void) | undefined): DataColumn<Batch>[] {
  const { say, language } = useLanguage();
  const number = (value: number) => formatNumber(value, 0, language);
  const columns: DataColumn<Batch>[] = [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: (batch) => (
        <>
          <StateMark state={STATE_OF_BATCH[wordOfBatch(batch)]} />{' '}
          <small>{say(`queue.batch.${wordOfBatch(batch)}`)}</small>
        </>
      ),
      value: wordOfBatch,
    },
    {
      id: 'kind',
      title: say('queue.kind'),
      cell: ({ kind }) => <code>{kind}</code>,
      value: ({ kind }) => kind,
    },
    {
      id: 'done',
      title: say('queue.done'),
      numeric: true,
      cell: ({ done, total }) => say('queue.ofTotal', { done: number(done), total: number(total) }),
      value: ({ done, total }) => done / total,
    },
    {
      id: 'dead',
      title: say('queue.dead'),
      numeric: true,
      wide: true,
      cell: ({ dead }) => number(dead),
      value: ({ dead }) => dead,
    },
    {
      id: 'actor',
      title: say('audit.actor'),
      wide: true,
      cell: ({ actor }) => actor,
      value: ({ actor }) => actor,
    },
    {
      id: 'reason',
      title: say('ops.col.reason'),
      wide: true,
      cell: ({ reason }) => reason || '—',
      value: ({ reason }) => reason,
    },
    {
      id: 'created',
      title: say('queue.asked'),
      wide: true,
      cell: ({ created_at }) => <Moment iso={created_at} />,
      value: ({ created_at }) => created_at,
    },
    {
      id: 'finished',
      title: say('queue.finished'),
      wide: true,
      cell: ({ finished_at }) => <Moment iso={finished_at} />,
      value: ({ finished_at }) => finished_at,
    },
    {
      id: 'id',
      title: say('queue.batch'),
      wide: true,
      cell: ({ id }) => <code title={id}>{id.slice(0, 8)}</code>,
      value: ({ id }) => id,
    },
  ];
  if (!onCancel) return columns;
  return [
    ...columns,
    {
      id: 'act',
      title: say('list.actions'),
      cell: (batch) =>
        batch.finished_at === null &&
        batch.cancelled_at === null && (
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${say('queue.cancel')}: ${batch.kind}, ${batch.id}`}
            onClick={() => onCancel(batch)}
          >
            {say('queue.cancel')}
          </Button>
        ),
    },
  ];
}

/** The newest batches: how much of each is done, who asked and why, and calling one off. */
export function Batches({ batches }: { batches: readonly Batch[] }) {
  const { say, language } = useLanguage();
  const client = useQueryClient();
  const { viewer, tell } = useRoom();
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const cancel = (batch: Batch) =>
    setProposal({
      title: say('queue.cancel.title', { kind: batch.kind }),
      plan: (
        <p>
          {say('queue.cancel.plan', {
            queued: formatNumber(batch.queued, 0, language),
            running: formatNumber(batch.running, 0, language),
          })}
        </p>
      ),
      button: say('queue.cancel.button'),
      final: true,
      act: async (reason) => {
        await cancelBatch(batch.id, reason);
        tell(say('queue.cancelled', { kind: batch.kind }));
        await client.invalidateQueries({ queryKey: ['ops'] });
      },
    });
  const columns = useColumns(reaches(viewer.role, 'operator') ? cancel : undefined);
  return (
    <>
      <div className={section.head}>
        <h2>{say('queue.batches')}</h2>
      </div>
      <LocalList
        title={say('queue.batches')}
        name="fila"
        items={batches}
        columns={columns}
        keyOf={keyOf}
        textOf={textOf}
        usual={{ column: 'created', descending: true }}
        empty={<p>{say('queue.noBatches')}</p>}
      />
      <ReasonDialog proposal={proposal} onClose={() => setProposal(null)} />
    </>
  );
}
