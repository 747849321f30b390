import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { useLanguage } from '../i18n/language';
import styles from './KeyForm.module.css';

interface KeyFormProps {
  /** A key was tried and refused. */
  refused: boolean;
  onKey: (key: string) => void;
}

/** Why a key is asked for, where to find one, and where it stays. */
export function KeyForm({ refused, onKey }: KeyFormProps) {
  const { say } = useLanguage();
  const [key, setKey] = useState('');
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (key.trim() !== '') onKey(key);
      }}
    >
      <h2>{say('key.title')}</h2>
      <p>{say('key.why')}</p>
      <p>{say('key.how')}</p>
      <pre>.venv/bin/atalaia sign-in</pre>
      <pre>eval "$(.venv/bin/atalaia env)"; echo $ATALAIA_TOKEN</pre>
      <PasswordInput
        label={say('key.label')}
        value={key}
        autoComplete="off"
        error={refused ? say('key.wrong') : undefined}
        onChange={(event) => setKey(event.currentTarget.value)}
      />
      <Button type="submit" disabled={key.trim() === ''}>
        {say('key.use')}
      </Button>
      <p className={styles.kept}>{say('key.kept')}</p>
    </form>
  );
}
