import { Button, Modal, Textarea } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Refusal } from '../app/Refusal';
import { useFocusBack } from '../app/useFocusBack';
import { useLanguage } from '../i18n/language';
import styles from './ReasonDialog.module.css';
import { useTry } from './useTry';

export interface Proposal {
  /** What will be done, as a sentence: the title of the dialog. */
  title: string;
  /** What that changes, and what it leaves. */
  plan: ReactNode;
  /** What the button does, in a verb and its object. */
  button: string;
  /** It cannot be undone: the button wears the colour of danger. */
  final?: boolean;
  /** Done with the reason; rejects when it was not. */
  act: (reason: string) => Promise<unknown>;
}

function Asking({ proposal, onClose }: { proposal: Proposal; onClose: () => void }) {
  const { say } = useLanguage();
  const [reason, setReason] = useState('');
  const { busy, error, attempt } = useTry();
  const [missing, setMissing] = useState(false);
  const submit = async () => {
    if (reason.trim() === '') setMissing(true);
    else if (await attempt(() => proposal.act(reason.trim()))) onClose();
  };
  return (
    <form
      noValidate
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div className={styles.plan}>{proposal.plan}</div>
      <Textarea
        data-autofocus
        required
        label={say('reason.label')}
        description={say('reason.why')}
        error={missing ? say('reason.missing') : undefined}
        maxLength={500}
        rows={3}
        value={reason}
        onChange={({ currentTarget: { value } }) => {
          setReason(value);
          setMissing(false);
        }}
      />
      {error && <Refusal error={error} />}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose} disabled={busy}>
          {say('reason.cancel')}
        </Button>
        <Button type="submit" loading={busy} {...(proposal.final && { color: 'red' })}>
          {proposal.button}
        </Button>
      </div>
    </form>
  );
}

/** Before anything is changed: what will happen, and why it is wanted. */
export function ReasonDialog(props: { proposal: Proposal | null; onClose: () => void }) {
  const { proposal, onClose } = props;
  const focusBack = useFocusBack(proposal !== null);
  const { say } = useLanguage();
  return (
    <Modal
      {...focusBack}
      opened={proposal !== null}
      onClose={onClose}
      title={proposal?.title}
      size="lg"
      closeButtonProps={{ 'aria-label': say('app.close') }}
    >
      {proposal && <Asking proposal={proposal} onClose={onClose} />}
    </Modal>
  );
}
