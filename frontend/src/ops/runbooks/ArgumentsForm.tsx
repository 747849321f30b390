import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { RunbookWhole } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { Command } from '../Command';
import { reaches, useRoom } from '../room';
import { badArgument, commandOf } from './judge';
import styles from './Runbooks.module.css';

interface ArgumentsFormProps {
  runbook: RunbookWhole;
  /** What an alert, or a link, fills in. */
  given: Record<string, string>;
  onRun: (values: Record<string, string>) => void;
}

/** What the runbook has to be told, and the button; or the command, where no button may. */
export function ArgumentsForm({ runbook, given, onRun }: ArgumentsFormProps) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [tried, setTried] = useState(false);
  const values = Object.fromEntries(
    runbook.arguments.map((one) => [
      one.name,
      typed[one.name] ?? given[one.name] ?? one.default ?? '',
    ]),
  );
  const problemOf = ({ name, pattern, example }: RunbookWhole['arguments'][number]) => {
    const bad = tried ? badArgument(values[name] ?? '', pattern) : null;
    return bad && say(bad === 'missing' ? 'runbook.arg.missing' : 'runbook.arg.odd', { example });
  };
  const submit = () => {
    setTried(true);
    if (runbook.arguments.every(({ name, pattern }) => !badArgument(values[name] ?? '', pattern))) {
      onRun(values);
    }
  };
  const here = runbook.place === 'anywhere' && reaches(viewer.role, 'operator');
  return (
    <form
      noValidate
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {runbook.arguments.map((one) => (
        <TextInput
          key={one.name}
          required
          size="xs"
          className={styles.argument}
          label={one.name}
          description={one.meaning}
          value={values[one.name] ?? ''}
          error={problemOf(one)}
          onChange={({ currentTarget: { value } }) => setTyped({ ...typed, [one.name]: value })}
        />
      ))}
      {here && (
        <Button type="submit" size="xs" variant="default">
          {say('runbook.run')}
        </Button>
      )}
      {!here && (
        <p>{say(runbook.place === 'terminal' ? 'runbook.atTerminal' : 'runbook.needsOperator')}</p>
      )}
      <Command text={commandOf(runbook.name, values)} what={say('runbook.command')} />
    </form>
  );
}
