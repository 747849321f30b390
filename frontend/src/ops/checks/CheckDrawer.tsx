import { Drawer } from '@mantine/core';
import type { ListedCheck } from '../../api/watchTypes';
import { useFocusBack } from '../../app/useFocusBack';
import { useLanguage } from '../../i18n/language';
import { formatMoment } from '../../text/format';
import { RoomLink } from '../RoomLink';
import { Answers } from './Answers';

/** One answer whole, with the rows that failed and the run that asked. */
export function CheckDrawer(props: { check: ListedCheck | undefined; onClose: () => void }) {
  const { check, onClose } = props;
  const { say, language } = useLanguage();
  const focusBack = useFocusBack(check !== undefined);
  return (
    <Drawer
      {...focusBack}
      opened={check !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={check && `${check.check_name} ${check.subject ?? ''}`}
      closeButtonProps={{ 'aria-label': say('app.close') }}
    >
      {check && (
        <>
          <Answers checks={[check]} />
          <p>
            {formatMoment(check.created_at_utc, language)}{' '}
            {check.run_id && (
              <RoomLink to="/operacoes/execucoes/$id" params={{ id: check.run_id }}>
                {say('check.run', {
                  run: [check.job_name, check.reference_period].filter(Boolean).join(' · '),
                })}
              </RoomLink>
            )}
          </p>
        </>
      )}
    </Drawer>
  );
}
