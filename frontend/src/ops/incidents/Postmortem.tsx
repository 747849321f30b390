import { Button, Modal } from '@mantine/core';
import { useState } from 'react';
import { postmortemOf } from '../../api/incidentQueries';
import type { Incident } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { useFocusBack } from '../../app/useFocusBack';
import { save } from '../../download/save';
import { useLanguage } from '../../i18n/language';
import { CopyButton } from '../CopyButton';
import dialog from '../ReasonDialog.module.css';
import { useTry } from '../useTry';
import styles from './Incidents.module.css';

/** The draft, with its facts from the timeline and the audit log: read, copied or taken away. */
export function Postmortem({ incident }: { incident: Pick<Incident, 'incident_id'> }) {
  const { say } = useLanguage();
  const { busy, error, attempt } = useTry();
  const [text, setText] = useState<string | null>(null);
  const focusBack = useFocusBack(text !== null);
  const ask = () => attempt(async () => setText(await postmortemOf(incident.incident_id)));
  const file = `post-mortem-${incident.incident_id}.md`;
  return (
    <>
      <Button size="compact-sm" variant="default" loading={busy} onClick={() => void ask()}>
        {say('incident.postmortem')}
      </Button>
      {error && <Refusal error={error} onRetry={() => void ask()} />}
      <Modal
        {...focusBack}
        opened={text !== null}
        onClose={() => setText(null)}
        title={say('incident.postmortem.title')}
        size="xl"
        closeButtonProps={{ 'aria-label': say('app.close') }}
      >
        <p>{say('incident.postmortem.words')}</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
        <pre className={styles.draft} tabIndex={0}>
          {text}
        </pre>
        <div className={dialog.buttons}>
          <CopyButton text={text ?? ''} what={say('incident.postmortem.title')} />
          <Button
            size="compact-sm"
            onClick={() => save(file, new Blob([text ?? ''], { type: 'text/markdown' }))}
          >
            {say('incident.postmortem.save', { file })}
          </Button>
        </div>
      </Modal>
    </>
  );
}
