import { Button, Modal, Textarea } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Refusal } from '../app/Refusal';
import { useFocusBack } from '../app/useFocusBack';
import { useLanguage } from '../i18n/language';
import { CopyButton } from './CopyButton';
import { FieldInput } from './FieldInput';
import { type Field, initialOf, missingOf, Secret, type Values } from './fields';
import styles from './ReasonDialog.module.css';
import section from './Section.module.css';
import { StateMark } from './StateMark';
import { useTry } from './useTry';

export interface Proposal {
  /** What will be done, as a sentence: the title of the dialog. */
  title: string;
  /** What that changes, and what it leaves. */
  plan: ReactNode;
  /** What else has to be told. */
  fields?: readonly Field[];
  /** What the reason is called, where it is more than a reason. */
  why?: string;
  /** What the button does, in a verb and its object. */
  button: string;
  /** It cannot be undone: the button wears the colour of danger. */
  final?: boolean;
  /** Done with the reason and the fields; rejects when it was not. A Secret is shown, this once. */
  act: (reason: string, values: Values) => Promise<unknown>;
}

/** What nobody is shown again: the dialog stays until it was said to be kept. */
function Shown({ secret, onClose }: { secret: Secret; onClose: () => void }) {
  const { say } = useLanguage();
  return (
    <div className={styles.form}>
      <p role="alert">
        <StateMark state="warn" /> {secret.note}
      </p>
      <div className={section.secret}>
        <code data-testid="secret">{secret.text}</code>
        <CopyButton text={secret.text} what={secret.what} />
      </div>
      <div className={styles.buttons}>
        <Button onClick={onClose}>{say('key.made.close')}</Button>
      </div>
    </div>
  );
}

interface AskingProps {
  proposal: Proposal;
  onClose: () => void;
  onSecret: (secret: Secret) => void;
}

function Asking({ proposal, onClose, onSecret }: AskingProps) {
  const { say } = useLanguage();
  const fields = proposal.fields ?? [];
  const [values, setValues] = useState<Values>(() => initialOf(fields));
  const [reason, setReason] = useState('');
  const { busy, error, attempt } = useTry();
  const [tried, setTried] = useState(false);
  const missing = tried ? missingOf(fields, values) : [];
  const submit = async () => {
    setTried(true);
    if (reason.trim() === '' || missingOf(fields, values).length > 0) return;
    let secret: Secret | null = null;
    const done = await attempt(async () => {
      const told = await proposal.act(reason.trim(), values);
      if (told instanceof Secret) secret = told;
    });
    if (secret) onSecret(secret);
    else if (done) onClose();
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
      {fields.map((field, at) => (
        <FieldInput
          key={field.name}
          field={field}
          first={at === 0}
          value={values[field.name] ?? ''}
          error={missing.includes(field.name) ? say('field.missing') : undefined}
          onChange={(value) => setValues({ ...values, [field.name]: value })}
        />
      ))}
      <Textarea
        {...(fields.length === 0 && { 'data-autofocus': true })}
        required
        label={proposal.why ?? say('reason.label')}
        description={say('reason.why')}
        error={tried && reason.trim() === '' ? say('reason.missing') : undefined}
        maxLength={500}
        rows={3}
        value={reason}
        onChange={({ currentTarget: { value } }) => setReason(value)}
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

/** Before anything is changed: what will happen, what it has to be told, and why it is wanted. */
export function ReasonDialog(props: { proposal: Proposal | null; onClose: () => void }) {
  const { proposal, onClose } = props;
  const [secret, setSecret] = useState<Secret | null>(null);
  const focusBack = useFocusBack(proposal !== null);
  const { say } = useLanguage();
  const close = () => {
    setSecret(null);
    onClose();
  };
  return (
    <Modal
      {...focusBack}
      opened={proposal !== null}
      onClose={close}
      // A slip beside the dialog must not throw away the only copy there is.
      closeOnClickOutside={secret === null}
      closeOnEscape={secret === null}
      withCloseButton={secret === null}
      title={proposal?.title}
      size="lg"
      closeButtonProps={{ 'aria-label': say('app.close') }}
    >
      {secret && <Shown secret={secret} onClose={close} />}
      {proposal && !secret && <Asking proposal={proposal} onClose={close} onSecret={setSecret} />}
    </Modal>
  );
}
