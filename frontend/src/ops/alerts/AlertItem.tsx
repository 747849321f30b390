import { Button } from '@mantine/core';
import type { Alert } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { Moment } from '../Moment';
import { RoomLink } from '../RoomLink';
import { reaches, useRoom } from '../room';
import { RunbookLink } from '../runbooks/RunbookLink';
import { AlertMark } from './AlertMark';
import styles from './Alerts.module.css';
import { stateOfAlert } from './judge';
import type { AlertActs } from './useAlertActs';

/** An alert in one line: how bad, what, whose, since when, and what to press. */
export function AlertItem({ alert, acts }: { alert: Alert; acts: AlertActs }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const may = reaches(viewer.role, 'operator');
  return (
    <li className={styles.item} data-state={stateOfAlert(alert)}>
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
        {alert.acknowledged
          ? say('alert.ackedBy', { who: alert.acknowledged_by ?? '' })
          : say('alert.owner', { owner: alert.owner })}{' '}
        · <Moment iso={alert.first_seen_at} />
      </span>
      <span className={styles.acts}>
        <RunbookLink
          runbook={alert.runbook}
          arguments={alert.arguments}
          about={alert.title}
          className={styles.runbook}
        />
        {may && !alert.acknowledged && (
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${say('alert.ack')}: ${alert.title}`}
            onClick={() => acts.acknowledge(alert)}
          >
            {say('alert.ack')}
          </Button>
        )}
      </span>
    </li>
  );
}
