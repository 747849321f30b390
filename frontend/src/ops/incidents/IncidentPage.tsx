import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { incidentQuery } from '../../api/incidentQueries';
import type { IncidentWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatMoment, formatSize } from '../../text/format';
import { AlertMark } from '../alerts/AlertMark';
import styles from '../alerts/Alerts.module.css';
import { CopyButton } from '../CopyButton';
import { Moment } from '../Moment';
import { ReasonDialog } from '../ReasonDialog';
import { RoomLink } from '../RoomLink';
import { reaches, useRoom } from '../room';
import { RunbookLink } from '../runbooks/RunbookLink';
import run from '../runs/Run.module.css';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { Contacts } from './Contacts';
import { LADDER, stateOfIncident } from './judge';
import { Postmortem } from './Postmortem';
import { useIncidentActs } from './useIncidentActs';

function Facts({ incident }: { incident: IncidentWhole }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const moment = (iso: string | null) => iso && formatMoment(iso, language);
  const facts: [string, string | null][] = [
    [
      say('alert.severity'),
      [words('severity', incident.severity), ...LADDER[incident.severity]].join(' · '),
    ],
    [say('incident.commander'), incident.commander],
    [say('incident.impact'), incident.impact || null],
    [say('incident.affected'), incident.affected.join(', ') || null],
    [say('incident.level'), String(incident.escalation_level)],
    [say('incident.began'), moment(incident.started_at)],
    [say('incident.declared'), `${moment(incident.declared_at)}, ${incident.declared_by}`],
    [say('incident.nextUpdate'), moment(incident.next_update_due_at)],
    [
      say('alert.resolvedAt'),
      incident.resolved_at && `${moment(incident.resolved_at)}, ${incident.resolved_by}`,
    ],
    [say('incident.cause'), incident.root_cause],
    [say('incident.resolution'), incident.resolution],
    [say('incident.prevention'), incident.prevention],
    [say('incident.postmortemDue'), moment(incident.postmortem_due_at)],
  ];
  return (
    <dl className={run.about}>
      {facts.flatMap(([name, value]) =>
        value === null ? [] : [<dt key={name}>{name}</dt>, <dd key={`${name}/value`}>{value}</dd>],
      )}
    </dl>
  );
}

function Timeline({ incident }: { incident: IncidentWhole }) {
  const { say, language } = useLanguage();
  const words = useWords();
  return (
    <section aria-label={say('incident.timeline')} className={run.part}>
      <h3>{say('incident.timeline')}</h3>
      <ol className={styles.history}>
        {incident.events.map((event) => (
          <li key={event.event_id}>
            <time dateTime={event.at}>{formatMoment(event.at, language)}</time>
            <span>{words('incident.event', event.kind)}</span>
            <span>
              {event.actor}: {event.says}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function AlertsOf({ incident }: { incident: IncidentWhole }) {
  const { say } = useLanguage();
  return (
    <section aria-label={say('alert.list')} className={run.part}>
      <h3>{say('alert.list')}</h3>
      {incident.alerts.length === 0 && <p className={run.none}>{say('incident.noAlerts')}</p>}
      <ul className={styles.list}>
        {incident.alerts.map((alert) => (
          <li key={alert.alert_id} className={styles.item}>
            <span>
              <AlertMark alert={alert} />
            </span>
            <span className={styles.what}>
              <RoomLink to="/operacoes/alertas/$id" params={{ id: String(alert.alert_id) }}>
                {alert.title}
              </RoomLink>
              <small>{alert.says}</small>
            </span>
            <span className={styles.whose}>
              <Moment iso={alert.first_seen_at} />
            </span>
            <RunbookLink
              runbook={alert.runbook}
              arguments={alert.arguments}
              about={alert.title}
              className={styles.runbook}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Snapshots({ incident }: { incident: IncidentWhole }) {
  const { say, language } = useLanguage();
  return (
    <section aria-label={say('incident.snapshots')} className={run.part}>
      <h3>{say('incident.snapshots')}</h3>
      {incident.snapshots.length === 0 && <p className={run.none}>{say('incident.noSnapshots')}</p>}
      <ul className={styles.list}>
        {incident.snapshots.map((one) => (
          <li key={one.snapshot_id}>
            {formatMoment(one.created_at, language)} · <code>{one.path}</code> ·{' '}
            {formatSize(one.size, language)} ·{' '}
            <code title={one.sha256}>SHA-256 {one.sha256.slice(0, 12)}</code>{' '}
            <CopyButton text={one.sha256} what={`SHA-256, ${one.path}`} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Buttons({ incident }: { incident: IncidentWhole }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const acts = useIncidentActs();
  const may = reaches(viewer.role, 'operator');
  const open = incident.status !== 'resolved';
  return (
    <div className={styles.buttons}>
      {may && open && (
        <>
          <Button size="compact-sm" onClick={() => acts.update(incident)}>
            {say('incident.update')}
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => acts.resolve(incident)}>
            {say('incident.resolve')}
          </Button>
        </>
      )}
      {may && (
        <Button size="compact-sm" variant="default" onClick={() => acts.snapshot(incident)}>
          {say('incident.snapshot')}
        </Button>
      )}
      <Postmortem incident={incident} />
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </div>
  );
}

function Whole({ incident }: { incident: IncidentWhole }) {
  const { say } = useLanguage();
  const words = useWords();
  const state = stateOfIncident(incident);
  return (
    <div className={styles.page}>
      <div className={section.verdict} data-state={state}>
        <p>
          <StateMark state={state} /> {words('incident.status', incident.status)} ·{' '}
          <Moment iso={incident.resolved_at ?? incident.started_at} />
        </p>
        {incident.update_overdue && (
          <p>
            <StateMark state="warn" /> {say('incident.overdue')}
          </p>
        )}
      </div>
      <Buttons incident={incident} />
      <div className={run.parts}>
        <section aria-label={say('alert.facts')} className={run.part}>
          <h3>{say('alert.facts')}</h3>
          <Facts incident={incident} />
        </section>
        <Timeline incident={incident} />
      </div>
      <AlertsOf incident={incident} />
      <Snapshots incident={incident} />
      <Contacts incident={incident} />
    </div>
  );
}

/** The room of one incident: what is known, what was told when, what answers it. */
export function IncidentPage() {
  const { say } = useLanguage();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data, error, refetch } = useQuery(incidentQuery(id));
  return (
    <section aria-label={say('incident.one')}>
      <p className={run.back}>
        <RoomLink to="/operacoes/incidentes">{say('incident.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>{data?.title ?? say('incident.one')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data ? <Whole incident={data} /> : !error && <Waiting lines={10} />}
    </section>
  );
}
