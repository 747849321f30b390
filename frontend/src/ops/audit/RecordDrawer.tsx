import { Drawer } from '@mantine/core';
import type { AuditRecord } from '../../api/opsTypes';
import { useFocusBack } from '../../app/useFocusBack';
import { useLanguage } from '../../i18n/language';
import { formatMoment } from '../../text/format';
import styles from './Audit.module.css';

/** One record whole, with what its hash is taken over. */
export function RecordDrawer(props: { record: AuditRecord | undefined; onClose: () => void }) {
  const { record, onClose } = props;
  const { say, language } = useLanguage();
  const focusBack = useFocusBack(record !== undefined);
  return (
    <Drawer
      {...focusBack}
      opened={record !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={record && say('audit.record', { place: `${record.stream}:${record.seq}` })}
      closeButtonProps={{ 'aria-label': say('app.close') }}
    >
      {record && (
        <dl className={styles.record}>
          <dt>{say('ops.col.when')}</dt>
          <dd>
            <time dateTime={record.at}>{formatMoment(record.at, language)}</time>
          </dd>
          <dt>{say('audit.actor')}</dt>
          <dd>{record.actor}</dd>
          <dt>{say('audit.trigger')}</dt>
          <dd>{record.trigger}</dd>
          <dt>{say('audit.action')}</dt>
          <dd>
            <code>{record.action}</code>
          </dd>
          <dt>{say('audit.subject')}</dt>
          <dd>
            <code>{record.subject}</code>
          </dd>
          <dt>{say('ops.col.reason')}</dt>
          <dd>{record.reason || say('audit.noReason')}</dd>
          <dt>{say('audit.tenant')}</dt>
          <dd>{record.tenant_id}</dd>
          <dt>{say('error.trace')}</dt>
          <dd>
            <code>{record.trace_id}</code>
          </dd>
          <dt>{say('audit.details')}</dt>
          <dd>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
            <pre tabIndex={0}>{JSON.stringify(record.details, null, 2)}</pre>
          </dd>
          <dt>{say('audit.hash')}</dt>
          <dd>
            <code>{record.hash}</code>
          </dd>
          <dt>{say('audit.previous')}</dt>
          <dd>
            <code>{record.previous}</code>
          </dd>
        </dl>
      )}
    </Drawer>
  );
}
