import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { RunbookWhole } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { Command } from '../Command';
import { reaches, useRoom } from '../room';
import { badArgument, commandOf } from './judge';
import styles from './Runbooks.module.css';

/** What a runbook is told: what was typed, else what an alert or a link filled in, else its usual. */
export function useArguments(runbook: RunbookWhole, given: Record<string, string>) {
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [tried, setTried] = useState(false);
  const values = Object.fromEntries(
    runbook.arguments.map((one) => [
      one.name,
      typed[one.name] ?? given[one.name] ?? one.default ?? '',
    ]),
  );
  return {
    values,
    tried,
    put: (name: string, value: string) => setTyped({ ...typed, [name]: value }),
    /** Goes on with the values when all of them can be; else shows which cannot. */
    use: (onGood: (good: Record<string, string>) => void) => {
      setTried(true);
      const good = runbook.arguments.every(
        ({ name, pattern }) => !badArgument(values[name] ?? '', pattern),
      );
      if (good) onGood(values);
    },
  };
}

interface ArgumentsFormProps {
  runbook: RunbookWhole;
  told: ReturnType<typeof useArguments>;
  onRun: (values: Record<string, string>) => void;
}

/** Whether this runbook can be executed from here by who looks at it. */
export function useMayRun(runbook: Pick<RunbookWhole, 'place'>): boolean {
  const { viewer } = useRoom();
  return runbook.place === 'anywhere' && reaches(viewer.role, 'operator');
}

/** What the runbook has to be told, and the button; or the command, where no button may. */
export function ArgumentsForm({ runbook, told, onRun }: ArgumentsFormProps) {
  const { say } = useLanguage();
  const { values, tried } = told;
  const problemOf = ({ name, pattern, example }: RunbookWhole['arguments'][number]) => {
    const bad = tried ? badArgument(values[name] ?? '', pattern) : null;
    return bad && say(bad === 'missing' ? 'runbook.arg.missing' : 'runbook.arg.odd', { example });
  };
  const here = useMayRun(runbook);
  return (
    <form
      noValidate
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        told.use(onRun);
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
          onChange={({ currentTarget: { value } }) => told.put(one.name, value)}
        />
      ))}
      {here && (
        <Button type="submit" size="xs">
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
