import {
  declareIncident,
  type News,
  resolveIncident,
  snapshotIncident,
  updateIncident,
} from '../../api/incidentQueries';
import { type Alert, type Incident, SEVERITIES, type Severity } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { thingsOf, type Values } from '../fields';
import { useProposal } from '../useProposal';
import { useWords } from '../words';
import { LADDER } from './judge';

type Option = readonly [value: string, title: string];

const STEPS = ['investigating', 'identified', 'monitoring'] as const;

function useFields() {
  const { say } = useLanguage();
  const words = useWords();
  const unchanged: Option = ['', say('incident.asItIs')];
  const severities = SEVERITIES.map(
    (one): Option => [one, [words('severity', one), ...LADDER[one]].join(' · ')],
  );
  const steps = STEPS.map((one) => [one, words('incident.status', one)] as const);
  return {
    title: { name: 'title', label: say('incident.title'), help: say('incident.title.help') },
    severity: (initial: Severity | '', among = severities) => ({
      name: 'severity',
      label: say('alert.severity'),
      kind: 'choice' as const,
      initial,
      options: among,
    }),
    severities,
    unchanged,
    impact: {
      name: 'impact',
      label: say('incident.impact'),
      help: say('incident.impact.help'),
      kind: 'text' as const,
    },
    affected: {
      name: 'affected',
      label: say('incident.affected'),
      help: say('incident.affected.help'),
      kind: 'list' as const,
    },
    commander: {
      name: 'commander',
      label: say('incident.commander'),
      help: say('incident.commander.help'),
      most: 200,
    },
    status: {
      name: 'status',
      label: say('ops.col.status'),
      kind: 'choice' as const,
      options: [unchanged, ...steps],
    },
    next: { name: 'next_steps', label: say('incident.next'), kind: 'text' as const },
    eta: { name: 'eta', label: say('incident.eta'), help: say('incident.eta.help') },
    cause: {
      name: 'root_cause',
      label: say('incident.cause'),
      kind: 'text' as const,
      required: true,
      most: 500,
    },
    resolution: {
      name: 'resolution',
      label: say('incident.resolution'),
      kind: 'text' as const,
      required: true,
      most: 500,
    },
    prevention: { name: 'prevention', label: say('incident.prevention'), kind: 'text' as const },
  };
}

/** What of an incident is told; what was left empty is taken from its alerts, or stays. */
function declared(values: Values, alerts: number[]) {
  const severity = values.severity as Severity | '';
  return {
    alerts,
    ...(values.title && { title: values.title }),
    ...(severity && { severity }),
    impact: values.impact ?? '',
    affected: thingsOf(values.affected),
    commander: values.commander ?? '',
  };
}

/** What a person does about an incident; each says first what it changes, then asks why. */
export function useIncidentActs() {
  const { say } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const field = useFields();
  /** From an alert, or by hand; `onDeclared` leads to its room. */
  const declare = (
    alert: Pick<Alert, 'alert_id' | 'title'> | null,
    onDeclared: (id: number) => void,
  ) =>
    propose({
      title: say(alert ? 'incident.declare.from' : 'incident.declare', {
        title: alert?.title ?? '',
      }),
      plan: <p>{say(alert ? 'incident.declare.fromPlan' : 'incident.declare.plan')}</p>,
      fields: [
        { ...field.title, required: alert === null, initial: alert?.title ?? '' },
        field.severity(
          alert ? '' : 'high',
          alert ? [['', say('incident.ofAlert')], ...field.severities] : field.severities,
        ),
        field.impact,
        field.affected,
        field.commander,
      ],
      button: say('incident.declare.button'),
      act: async (reason, values) => {
        const made = await declareIncident({
          ...declared(values, alert ? [alert.alert_id] : []),
          reason,
        });
        await done(say('incident.declaredNow', { title: made.title }));
        onDeclared(made.incident_id);
      },
    });
  const update = ({ incident_id, title }: Incident) =>
    propose({
      title: say('incident.update.title', { title }),
      plan: <p>{say('incident.update.plan')}</p>,
      fields: [
        field.status,
        field.severity('', [field.unchanged, ...field.severities]),
        field.next,
        field.eta,
      ],
      why: say('incident.update.done'),
      button: say('incident.update'),
      act: async (reason, { status, severity, next_steps = '', eta = '' }) => {
        await updateIncident(incident_id, {
          ...(status && { status: status as NonNullable<News['status']> }),
          ...(severity && { severity: severity as Severity }),
          next_steps,
          eta,
          reason,
        });
        await done(say('incident.updated', { title }));
      },
    });
  const resolve = ({ incident_id, title }: Incident) =>
    propose({
      title: say('incident.resolve.title', { title }),
      plan: <p>{say('incident.resolve.plan')}</p>,
      fields: [field.cause, field.resolution, field.prevention],
      button: say('incident.resolve'),
      act: async (reason, { root_cause = '', resolution = '', prevention = '' }) => {
        await resolveIncident(incident_id, { root_cause, resolution, prevention, reason });
        await done(say('incident.resolvedNow', { title }));
      },
    });
  const snapshot = ({ incident_id, title }: Incident) =>
    propose({
      title: say('incident.snapshot.title', { title }),
      plan: <p>{say('incident.snapshot.plan')}</p>,
      button: say('incident.snapshot'),
      act: async (reason) => {
        await snapshotIncident(incident_id, reason);
        await done(say('incident.snapshotTaken', { title }));
      },
    });
  return { proposal, close, declare, update, resolve, snapshot };
}
