import { Button, Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { deliveryQuery } from '../../api/deliveryQueries';
import type { Attempt, DeliveryWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { useFocusBack } from '../../app/useFocusBack';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatMoment, formatNumber } from '../../text/format';
import { reaches, useRoom } from '../room';
import run from '../runs/Run.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import styles from './Deliveries.module.css';
import { stateOfDelivery } from './judge';
import type { DeliveryActs } from './useDeliveryActs';

function AttemptLine({ attempt }: { attempt: Attempt }) {
  const { say, language } = useLanguage();
  const words = useWords();
  return (
    <li data-state={attempt.delivered ? 'ok' : 'critical'}>
      <p>
        <StateMark state={attempt.delivered ? 'ok' : 'critical'} />{' '}
        {say('delivery.attempt', { number: attempt.number })} ·{' '}
        {formatMoment(attempt.started_at, language)} ·{' '}
        {say('delivery.ms', { count: formatNumber(attempt.duration_ms, 0, language) })}
        {attempt.status_code !== null && (
          <>
            {' '}
            · <code>{attempt.status_code}</code>
          </>
        )}
      </p>
      {attempt.fault && (
        <p>
          {words('delivery.of', attempt.fault)}: {attempt.error}
        </p>
      )}
      {attempt.answer && <pre>{attempt.answer}</pre>}
    </li>
  );
}

function Whole({ delivery, acts }: { delivery: DeliveryWhole; acts: DeliveryActs }) {
  const { say, language } = useLanguage();
  const { viewer } = useRoom();
  const words = useWords();
  return (
    <>
      <p>
        <StateMark state={stateOfDelivery(delivery)} /> {words('delivery.status', delivery.status)}{' '}
        · {delivery.channel}
        {delivery.status === 'waiting' && (
          <> · {say('delivery.next', { moment: formatMoment(delivery.due_at, language) })}</>
        )}
      </p>
      {delivery.reason && <p>{delivery.reason}</p>}
      {delivery.finished_at !== null && reaches(viewer.role, 'operator') && (
        <Button size="compact-sm" variant="default" onClick={() => acts.replay(delivery)}>
          {say('delivery.replay')}
        </Button>
      )}
      <h3>{say('delivery.attempts')}</h3>
      {delivery.history.length === 0 && <p>{say('delivery.untried')}</p>}
      <ol className={styles.attempts}>
        {delivery.history.map((attempt) => (
          <AttemptLine key={attempt.number} attempt={attempt} />
        ))}
      </ol>
      <h3>{say('delivery.data')}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
      <pre className={styles.data} tabIndex={0}>
        {JSON.stringify(delivery.data, null, 2)}
      </pre>
      <dl className={run.about}>
        <dt>{say('delivery.eventId')}</dt>
        <dd>
          <code>{delivery.event_id}</code>
        </dd>
        <dt>{say('error.trace')}</dt>
        <dd>
          <code>{delivery.trace_id}</code>
        </dd>
      </dl>
    </>
  );
}

/** One telling whole: each attempt with what was answered, and what was sent. */
export function DeliveryDrawer(props: {
  id: string | undefined;
  acts: DeliveryActs;
  onClose: () => void;
}) {
  const { id, acts, onClose } = props;
  const { say } = useLanguage();
  const focusBack = useFocusBack(id !== undefined);
  const { data, error, refetch } = useQuery({
    ...deliveryQuery(id ?? ''),
    enabled: id !== undefined,
  });
  const shown = data?.delivery_id === id ? data : undefined;
  return (
    <Drawer
      {...focusBack}
      opened={id !== undefined}
      onClose={onClose}
      // With a question above it, the keys are the question's.
      closeOnEscape={acts.proposal === null}
      trapFocus={acts.proposal === null}
      position="right"
      size="lg"
      title={shown?.event_type ?? say('delivery.one')}
      closeButtonProps={{ 'aria-label': say('app.close') }}
    >
      {error && <Refusal error={error} onRetry={() => void refetch()} />}
      {shown && !error && <Whole delivery={shown} acts={acts} />}
      {!shown && !error && <Waiting lines={8} />}
    </Drawer>
  );
}
