import { useQuery } from '@tanstack/react-query';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { DataTable } from '../ops/list/DataTable';
import { Moment } from '../ops/Moment';
import { RoomLink } from '../ops/RoomLink';
import { RunbookLink } from '../ops/runbooks/RunbookLink';
import run from '../ops/runs/Run.module.css';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useWords } from '../ops/words';
import { formatMoment, formatNumber } from '../text/format';
import styles from './Cattle.module.css';
import { STATE_OF_COLOUR, STATE_OF_PIPELINE, STATE_OF_SLA, stateOfTarget } from './judge';
import { dashboardQuery } from './queries';
import type { Dashboard } from './types';

function useFigure() {
  const { say, language } = useLanguage();
  return (value: number | null, decimals = 1) =>
    value === null ? say('cattle.noData') : formatNumber(value, decimals, language);
}

/** Two rules with limits of their own, side by side: the colour, and the service level. */
function Verdicts({ board }: { board: Dashboard }) {
  const { say } = useLanguage();
  const words = useWords();
  const figure = useFigure();
  const { colour, sla } = board;
  return (
    <div className={styles.verdicts}>
      <section
        aria-label={say('cattle.colour')}
        className={section.verdict}
        data-state={STATE_OF_COLOUR[colour.colour]}
      >
        <h2>{say('cattle.colour')}</h2>
        <p className={styles.big}>
          <StateMark
            state={STATE_OF_COLOUR[colour.colour]}
            word={words('cattle.colour', colour.colour)}
          />{' '}
          · {say('cattle.success', { percent: figure(colour.success_percent, 2) })}
        </p>
        {colour.reasons.map((reason) => (
          <p key={reason}>{reason}</p>
        ))}
        <p>
          <strong>{say('cattle.action')}</strong> {colour.action}
        </p>
        <p className={styles.rule}>{say('cattle.rule', { rule: colour.rule })}</p>
      </section>
      <section
        aria-label={say('cattle.sla')}
        className={section.verdict}
        data-state={STATE_OF_SLA[sla.status]}
      >
        <h2>{say('cattle.sla')}</h2>
        <p className={styles.big}>
          <StateMark state={STATE_OF_SLA[sla.status]} word={words('cattle.sla', sla.status)} /> ·{' '}
          {say('cattle.success', { percent: figure(sla.success_rate_percent, 2) })}
        </p>
        <p>
          {say('cattle.slaFiles', {
            good: figure(sla.successful_files, 0),
            total: figure(sla.total_files, 0),
            minutes: figure(sla.avg_processing_minutes),
          })}
        </p>
        <p className={styles.rule}>{say('cattle.rule', { rule: sla.rule })}</p>
      </section>
    </div>
  );
}

function Targets({ board }: { board: Dashboard }) {
  const { say } = useLanguage();
  const words = useWords();
  const figure = useFigure();
  return (
    <DataTable
      caption={say('cattle.targets')}
      items={board.targets}
      keyOf={({ name }) => name}
      empty={<p>{say('cattle.noData')}</p>}
      columns={[
        {
          id: 'state',
          title: say('ops.col.state'),
          cell: ({ met }) => (
            <>
              <StateMark state={stateOfTarget(met)} />{' '}
              <small>{words('cattle.met', met === null ? 'unknown' : String(met))}</small>
            </>
          ),
        },
        { id: 'title', title: say('cattle.promise'), cell: ({ title }) => title },
        {
          id: 'value',
          title: say('ops.col.observed'),
          numeric: true,
          cell: ({ value, unit }) =>
            value === null ? figure(null) : `${figure(value, 2)} ${unit}`,
        },
        {
          id: 'target',
          title: say('cattle.limit'),
          numeric: true,
          cell: ({ target, unit }) => `${figure(target, 1)} ${unit}`,
        },
      ]}
    />
  );
}

function Pipelines({ board }: { board: Dashboard }) {
  const { say } = useLanguage();
  const words = useWords();
  const figure = useFigure();
  return (
    <DataTable
      caption={say('cattle.pipelines')}
      items={Object.entries(board.pipelines).map(([name, one]) => ({ name, ...one }))}
      keyOf={({ name }) => name}
      empty={<p>{say('cattle.noData')}</p>}
      columns={[
        {
          id: 'state',
          title: say('ops.col.state'),
          cell: ({ status }) => (
            <>
              <StateMark state={STATE_OF_PIPELINE[status]} />{' '}
              <small>{words('cattle.pipeline', status)}</small>
            </>
          ),
        },
        { id: 'name', title: say('cattle.layout'), cell: ({ name }) => words('cattle.of', name) },
        {
          id: 'waiting',
          title: say('channel.waiting'),
          numeric: true,
          cell: ({ waiting }) => figure(waiting, 0),
        },
        {
          id: 'errors',
          title: say('cattle.inError'),
          numeric: true,
          cell: ({ in_error }) => figure(in_error, 0),
        },
        {
          id: 'last',
          title: say('cattle.lastEnded'),
          cell: ({ last_completed_at }) => <Moment iso={last_completed_at} />,
        },
      ]}
    />
  );
}

function Errors({ board }: { board: Dashboard }) {
  const { say } = useLanguage();
  const figure = useFigure();
  return (
    <DataTable
      caption={say('cattle.errors')}
      items={board.errors}
      keyOf={({ error_class, error_message }) => `${error_class}/${error_message}`}
      empty={
        <p>
          <StateMark state="ok" /> {say('cattle.noErrors')}
        </p>
      }
      columns={[
        {
          id: 'class',
          title: say('cattle.errorClass'),
          cell: ({ error_class_word }) => error_class_word,
        },
        { id: 'message', title: say('ops.col.reason'), cell: ({ error_message }) => error_message },
        {
          id: 'count',
          title: say('cattle.files'),
          numeric: true,
          cell: ({ count }) => figure(count, 0),
        },
        { id: 'action', title: say('cattle.toDo'), wide: true, cell: ({ action }) => action },
        {
          id: 'last',
          title: say('alert.lastSeen'),
          wide: true,
          cell: ({ last_occurrence }) => <Moment iso={last_occurrence} />,
        },
      ]}
    />
  );
}

function Slowest({ board }: { board: Dashboard }) {
  const { say } = useLanguage();
  const figure = useFigure();
  return (
    <DataTable
      caption={say('cattle.slowest')}
      items={board.slowest}
      keyOf={({ id }) => id}
      empty={<p>{say('cattle.noData')}</p>}
      columns={[
        {
          id: 'file',
          title: say('cattle.file'),
          cell: ({ id, filename }) => (
            <RoomLink to="/etl-operations/$id" params={{ id }}>
              {filename}
            </RoomLink>
          ),
        },
        {
          id: 'minutes',
          title: say('cattle.minutes'),
          numeric: true,
          cell: ({ duration_minutes }) => figure(duration_minutes, 2),
        },
        {
          id: 'usual',
          title: say('cattle.usualMinutes'),
          numeric: true,
          cell: ({ usual_minutes }) => figure(usual_minutes, 2),
        },
        {
          id: 'rows',
          title: say('cattle.rows'),
          numeric: true,
          wide: true,
          cell: ({ rows_read }) => figure(rows_read, 0),
        },
      ]}
    />
  );
}

function Alerts({ board }: { board: Dashboard }) {
  const { say } = useLanguage();
  if (board.alerts.length === 0) {
    return (
      <p>
        <StateMark state="ok" /> {say('alert.none')}
      </p>
    );
  }
  return (
    <ul className={styles.alerts}>
      {board.alerts.map((alert) => (
        <li key={alert.id}>
          <StateMark state={['critical', 'high'].includes(alert.severity) ? 'critical' : 'warn'} />{' '}
          <RoomLink to="/operacoes/alertas/$id" params={{ id: String(alert.id) }}>
            {alert.title}
          </RoomLink>{' '}
          <span>{alert.message}</span> · <Moment iso={alert.triggered_at} />{' '}
          <RunbookLink runbook={alert.runbook} arguments={{}} about={alert.title} />
        </li>
      ))}
    </ul>
  );
}

function Whole({ board }: { board: Dashboard }) {
  const { say, language } = useLanguage();
  const figure = useFigure();
  const part = (title: string) => (
    <div className={section.head}>
      <h2>{title}</h2>
    </div>
  );
  return (
    <>
      <p className={section.words}>
        {say('cattle.window', {
          hours: figure(board.window_hours, 0),
          at: formatMoment(board.at, language),
        })}
      </p>
      <Verdicts board={board} />
      <p className={styles.queue}>
        {say('cattle.queue', {
          uploaded: figure(board.queue.uploaded, 0),
          processing: figure(board.queue.processing, 0),
        })}{' '}
        {board.queue.oldest && (
          <>
            {say('queue.oldest')} <Moment iso={board.queue.oldest} />.{' '}
          </>
        )}
        <RoomLink to="/etl-operations" search={{ tab: 'dlq' }}>
          {say('cattle.letters', { count: figure(board.queue.dead_letters, 0) })}
        </RoomLink>
      </p>
      {part(say('alert.list'))}
      <Alerts board={board} />
      <p>
        <RoomLink to="/operacoes/incidentes">{say('cattle.incidents')}</RoomLink> ·{' '}
        {say('cattle.channel')} <code>{board.incident_channel}</code>
      </p>
      {part(say('cattle.targets'))}
      <Targets board={board} />
      {part(say('cattle.pipelines'))}
      <Pipelines board={board} />
      {part(say('cattle.errors'))}
      <Errors board={board} />
      {part(say('cattle.slowest'))}
      <Slowest board={board} />
      {part(say('cattle.dailyCheck'))}
      <p className={run.none}>
        {board.last_daily_check ? (
          <>
            <Moment iso={board.last_daily_check.started_at_utc} /> ·{' '}
            <RoomLink to="/operacoes/execucoes/$id" params={{ id: board.last_daily_check.run_id }}>
              {say('now.run')}
            </RoomLink>
          </>
        ) : (
          say('cattle.noDailyCheck')
        )}
      </p>
    </>
  );
}

/** Dashboard Métricas: how the feeding files fare now, and what the runbook asks for. */
export function MetricsPage() {
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery(dashboardQuery);
  return (
    <section aria-label={say('cattle.metrics')}>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data ? <Whole board={data} /> : !error && <Waiting lines={10} />}
    </section>
  );
}
