import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { alertQuery } from '../../api/watchQueries';
import type { AlertWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatMoment, formatNumber } from '../../text/format';
import { useEnterIncident } from '../incidents/useEnterIncident';
import { useIncidentActs } from '../incidents/useIncidentActs';
import { Moment } from '../Moment';
import { ReasonDialog } from '../ReasonDialog';
import { RoomLink } from '../RoomLink';
import { reaches, useRoom } from '../room';
import { RunbookLink } from '../runbooks/RunbookLink';
import run from '../runs/Run.module.css';
import section from '../Section.module.css';
import { useWords } from '../words';
import { AlertMark } from './AlertMark';
import styles from './Alerts.module.css';
import { stateOfAlert } from './judge';
import { useAlertActs } from './useAlertActs';

function Facts({ alert }: { alert: AlertWhole }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const figure = (value: number | null) =>
    value === null ? '—' : formatNumber(value, Number.isInteger(value) ? 0 : 2, language);
  const until = (moment: string | null) =>
    moment ? say('alert.until', { moment: formatMoment(moment, language) }) : '';
  const facts: [string, string | null][] = [
    [say('ops.col.status'), words('alert.shown', alert.shown)],
    [say('alert.col.owner'), alert.owner],
    [say('ops.col.observed'), figure(alert.value)],
    [say('ops.col.threshold'), figure(alert.threshold)],
    [say('alert.since'), formatMoment(alert.first_seen_at, language)],
    [say('alert.lastSeen'), formatMoment(alert.last_seen_at, language)],
    [say('alert.resolvedAt'), alert.resolved_at && formatMoment(alert.resolved_at, language)],
    [
      say('alert.count'),
      alert.flapping ? `${alert.count} (${say('alert.flaps')})` : String(alert.count),
    ],
    [
      say('alert.ack'),
      alert.acknowledged_by &&
        `${alert.acknowledged_by}: ${alert.acknowledge_reason} ${until(alert.acknowledged_until)}`,
    ],
    [
      say('alert.silence'),
      alert.silenced_by &&
        `${alert.silenced_by}: ${alert.silence_reason} ${until(alert.silenced_until)}`,
    ],
    [say('alert.rule'), alert.subject ? `${alert.rule} · ${alert.subject}` : alert.rule],
  ];
  return (
    <dl className={run.about}>
      {facts.flatMap(([name, value]) =>
        value === null ? [] : [<dt key={name}>{name}</dt>, <dd key={`${name}/value`}>{value}</dd>],
      )}
    </dl>
  );
}

function Buttons({ alert }: { alert: AlertWhole }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const acts = useAlertActs();
  const incidents = useIncidentActs();
  const enter = useEnterIncident();
  const may = reaches(viewer.role, 'operator') && alert.resolved_at === null;
  return (
    <div className={styles.buttons}>
      <RunbookLink
        runbook={alert.runbook}
        arguments={alert.arguments}
        about={alert.title}
        className={styles.runbook}
      />
      {may && !alert.acknowledged && (
        <Button size="compact-sm" variant="default" onClick={() => acts.acknowledge(alert)}>
          {say('alert.ack')}
        </Button>
      )}
      {may && alert.shown !== 'silenced' && (
        <Button size="compact-sm" variant="default" onClick={() => acts.silence(alert)}>
          {say('alert.silence')}
        </Button>
      )}
      {may && alert.incident_id === null && (
        <Button size="compact-sm" variant="default" onClick={() => incidents.declare(alert, enter)}>
          {say('incident.declare')}
        </Button>
      )}
      {alert.incident_id !== null && (
        <RoomLink to="/operacoes/incidentes/$id" params={{ id: String(alert.incident_id) }}>
          {say('alert.incident', { id: alert.incident_id })}
        </RoomLink>
      )}
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
      <ReasonDialog proposal={incidents.proposal} onClose={incidents.close} />
    </div>
  );
}

function Related({ alert }: { alert: AlertWhole }) {
  const { say } = useLanguage();
  if (alert.follows === null && alert.followers.length === 0) return null;
  return (
    <section aria-label={say('alert.related')} className={run.part}>
      <h3>{say('alert.related')}</h3>
      {alert.follows !== null && (
        <p>
          <RoomLink to="/operacoes/alertas/$id" params={{ id: String(alert.follows) }}>
            {say('alert.cause', { id: alert.follows })}
          </RoomLink>
        </p>
      )}
      <ul className={styles.list}>
        {alert.followers.map((one) => (
          <li key={one.alert_id}>
            <AlertMark alert={one} />{' '}
            <RoomLink to="/operacoes/alertas/$id" params={{ id: String(one.alert_id) }}>
              {one.title}
            </RoomLink>
          </li>
        ))}
      </ul>
    </section>
  );
}

function History({ alert }: { alert: AlertWhole }) {
  const { say } = useLanguage();
  const words = useWords();
  return (
    <section aria-label={say('alert.history')} className={run.part}>
      <h3>{say('alert.history')}</h3>
      <ol className={styles.history}>
        {alert.history.map((deed) => (
          <li key={`${deed.at}/${deed.action}`}>
            <Moment iso={deed.at} />
            <span>{words('deed', deed.action)}</span>
            <span>
              {deed.actor}
              {deed.reason && `: ${deed.reason}`}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Whole({ alert }: { alert: AlertWhole }) {
  const { say } = useLanguage();
  const state = stateOfAlert(alert);
  return (
    <div className={styles.page}>
      <div className={section.verdict} data-state={state}>
        <p>
          <AlertMark alert={alert} /> · <Moment iso={alert.first_seen_at} />
        </p>
        <p>{alert.says}</p>
      </div>
      <Buttons alert={alert} />
      <div className={run.parts}>
        <section aria-label={say('alert.facts')} className={run.part}>
          <h3>{say('alert.facts')}</h3>
          <Facts alert={alert} />
        </section>
        <History alert={alert} />
      </div>
      <Related alert={alert} />
    </div>
  );
}

/** One alert: what was found, whose it is, what answers it, what was decided about it. */
export function AlertPage() {
  const { say } = useLanguage();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data, error, refetch } = useQuery(alertQuery(id));
  return (
    <section aria-label={say('alert.one')}>
      <p className={run.back}>
        <RoomLink to="/operacoes/alertas">{say('alert.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>{data?.title ?? say('alert.one')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data ? <Whole alert={data} /> : !error && <Waiting lines={10} />}
    </section>
  );
}
