import { Button, Modal, NativeSelect, NumberInput, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { createKey } from '../../api/opsQueries';
import { type NewKey, ROLES, type Role } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { useFocusBack } from '../../app/useFocusBack';
import { useLanguage } from '../../i18n/language';
import { CopyButton } from '../CopyButton';
import dialog from '../ReasonDialog.module.css';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useTry } from '../useTry';
import { useWords } from '../words';

const MOST_DAYS = 3650;

function Made({ made, onClose }: { made: NewKey; onClose: () => void }) {
  const { say } = useLanguage();
  return (
    <div className={dialog.form}>
      <p>
        <StateMark state="warn" /> {say('key.made', { name: made.name })}
      </p>
      <div className={section.secret}>
        <code data-testid="new-key">{made.key}</code>
        <CopyButton text={made.key} what={say('key.label')} />
      </div>
      <div className={dialog.buttons}>
        <Button onClick={onClose}>{say('key.made.close')}</Button>
      </div>
    </div>
  );
}

function Form({ onMade, onClose }: { onMade: (made: NewKey) => void; onClose: () => void }) {
  const { say } = useLanguage();
  const words = useWords();
  const { busy, error, attempt } = useTry();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [days, setDays] = useState<number | string>('');
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const missing = (text: string) => tried && text.trim() === '';
  const submit = () => {
    setTried(true);
    if (name.trim() === '' || reason.trim() === '') return;
    void attempt(async () =>
      onMade(
        await createKey({
          name: name.trim(),
          role,
          expires_days: typeof days === 'number' ? days : null,
          reason: reason.trim(),
        }),
      ),
    );
  };
  return (
    <form
      noValidate
      className={dialog.form}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <TextInput
        data-autofocus
        required
        label={say('key.col.name')}
        description={say('key.name.help')}
        maxLength={80}
        value={name}
        error={missing(name) && say('key.name.missing')}
        onChange={({ currentTarget: { value } }) => setName(value)}
      />
      <NativeSelect
        label={say('key.col.role')}
        description={words('role.may', role)}
        value={role}
        data={ROLES.map((value) => ({ value, label: words('role', value) }))}
        onChange={({ currentTarget: { value } }) => setRole(value as Role)}
      />
      <NumberInput
        label={say('key.days')}
        description={say('key.days.help')}
        min={1}
        max={MOST_DAYS}
        allowDecimal={false}
        allowNegative={false}
        hideControls
        value={days}
        onChange={setDays}
      />
      <Textarea
        required
        label={say('reason.label')}
        description={say('reason.why')}
        maxLength={500}
        rows={3}
        value={reason}
        error={missing(reason) && say('reason.missing')}
        onChange={({ currentTarget: { value } }) => setReason(value)}
      />
      {error && <Refusal error={error} />}
      <div className={dialog.buttons}>
        <Button variant="default" onClick={onClose} disabled={busy}>
          {say('reason.cancel')}
        </Button>
        <Button type="submit" loading={busy}>
          {say('key.make')}
        </Button>
      </div>
    </form>
  );
}

interface NewKeyDialogProps {
  opened: boolean;
  onClose: () => void;
  onMade: () => void;
}

/** Makes a key and shows it, this once: afterwards nobody has it but who copied it. */
export function NewKeyDialog({ opened, onClose, onMade }: NewKeyDialogProps) {
  const { say } = useLanguage();
  const [made, setMade] = useState<NewKey | null>(null);
  const focusBack = useFocusBack(opened);
  const close = () => {
    setMade(null);
    onClose();
  };
  return (
    <Modal
      {...focusBack}
      opened={opened}
      onClose={close}
      // A slip beside the dialog must not throw away the only copy there is.
      closeOnClickOutside={made === null}
      closeOnEscape={made === null}
      withCloseButton={made === null}
      title={say(made ? 'key.made.title' : 'key.new')}
      size="lg"
      closeButtonProps={{ 'aria-label': say('app.close') }}
    >
      {made ? (
        <Made made={made} onClose={close} />
      ) : (
        <Form
          onClose={close}
          onMade={(fresh) => {
            setMade(fresh);
            onMade();
          }}
        />
      )}
    </Modal>
  );
}
