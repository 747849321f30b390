import { useQuery } from '@tanstack/react-query';
import { openAlertsQuery } from '../../api/watchQueries';
import { Refusal } from '../../app/Refusal';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import { ReasonDialog } from '../ReasonDialog';
import { RoomLink } from '../RoomLink';
import { AlertItem } from './AlertItem';
import styles from './Alerts.module.css';
import { asksForSomeone } from './judge';
import { useAlertActs } from './useAlertActs';
import { WatchNote } from './WatchNote';

/** The alerts that ask for a person now, as the API ranks them; the others are a number. */
export function NowAlerts() {
  const { say, language } = useLanguage();
  const { data, error, refetch } = useQuery(openAlertsQuery);
  const acts = useAlertActs();
  if (error && !data) return <Refusal error={error} onRetry={() => void refetch()} />;
  if (!data) return null;
  const asking = data.items.filter(asksForSomeone);
  const others = data.total - asking.length;
  return (
    <>
      <WatchNote page={data} />
      <ul className={styles.list} aria-label={say('alert.open')}>
        {asking.map((alert) => (
          <AlertItem key={alert.alert_id} alert={alert} acts={acts} />
        ))}
      </ul>
      {others > 0 && (
        <p>
          <RoomLink to="/operacoes/alertas">
            {say('alert.others', { count: formatNumber(others, 0, language) })}
          </RoomLink>
        </p>
      )}
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </>
  );
}
