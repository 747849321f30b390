import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { scheduleQuery } from '../../api/opsQueries';
import type { Scheduled } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import type { DataColumn } from '../list/DataTable';
import { LocalList } from '../list/LocalList';
import { Moment } from '../Moment';
import { ReasonDialog } from '../ReasonDialog';
import { reaches, useRoom } from '../room';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import styles from './Queue.module.css';
import { type ScheduleActs, useScheduleActs } from './useScheduleActs';

const keyOf = ({ name }: Scheduled) => name;
const textOf = ({ name, kind, recurrence }: Scheduled) => `${name} ${kind} ${recurrence}`;

function useColumns(acts: ScheduleActs): DataColumn<Scheduled>[] {
  const { say, language } = useLanguage();
  const words = useWords();
  const { viewer } = useRoom();
  const columns: DataColumn<Scheduled>[] = [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: ({ paused_at, paused_by, pause_reason }) => (
        <>
          <StateMark state={paused_at ? 'muted' : 'ok'} />{' '}
          {paused_at && <small>{`${paused_by}: ${pause_reason}`}</small>}
        </>
      ),
    },
    {
      id: 'name',
      title: say('ops.col.job'),
      cell: ({ name }) => <code>{name}</code>,
      value: ({ name }) => name,
    },
    {
      id: 'recurrence',
      title: say('schedule.recurrence'),
      wide: true,
      cell: ({ recurrence }) => {
        // 'daily 06:00', 'weekly mon 06:00', 'first sun 04:00'
        const [, when, time = ''] = /^(.*) (\S+)$/.exec(recurrence) ?? [];
        return say('recurrence.at', { when: words('recurrence', when), time });
      },
      value: ({ recurrence }) => recurrence,
    },
    {
      id: 'next',
      title: say('schedule.next'),
      cell: ({ paused_at, next_due_at }) => (paused_at ? '—' : <Moment iso={next_due_at} />),
      value: ({ next_due_at }) => next_due_at,
    },
    {
      id: 'last',
      title: say('schedule.last'),
      wide: true,
      cell: ({ last_asked_at }) => <Moment iso={last_asked_at} />,
      value: ({ last_asked_at }) => last_asked_at,
    },
    {
      id: 'missed',
      title: say('schedule.missed'),
      numeric: true,
      wide: true,
      cell: ({ last_missed }) => formatNumber(last_missed ?? 0, 0, language),
      value: ({ last_missed }) => last_missed ?? 0,
    },
  ];
  if (!reaches(viewer.role, 'operator')) return columns;
  return [
    ...columns,
    {
      id: 'act',
      title: say('list.actions'),
      cell: (one) => {
        const turn = say(one.paused_at ? 'schedule.resume' : 'schedule.pause');
        return (
          <span className={styles.acts}>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`${turn}: ${one.name}`}
              onClick={() => acts.turn(one)}
            >
              {turn}
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`${say('schedule.runNow')}: ${one.name}`}
              onClick={() => acts.runNow(one)}
            >
              {say('schedule.runNow')}
            </Button>
          </span>
        );
      },
    },
  ];
}

/** What comes round, when it is due next, and what is paused. */
export function Schedule() {
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery(scheduleQuery);
  const acts = useScheduleActs();
  const columns = useColumns(acts);
  return (
    <>
      <div className={section.head}>
        <h2>{say('schedule.title')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data && (
        <LocalList
          title={say('schedule.title')}
          name="agenda"
          prefix="schedule."
          items={data.items}
          columns={columns}
          keyOf={keyOf}
          textOf={textOf}
          usual={{ column: 'next', descending: false }}
          empty={<p>{say('schedule.none')}</p>}
        />
      )}
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </>
  );
}
