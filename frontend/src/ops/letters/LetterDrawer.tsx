import { Button, Drawer, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { letterQuery } from '../../api/opsQueries';
import type { Letter } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { useFocusBack } from '../../app/useFocusBack';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatMoment } from '../../text/format';
import { reaches, useRoom } from '../room';
import { useWords } from '../words';
import { changedCells, isRow, type Payload, textOfCell } from './cells';
import styles from './Letters.module.css';
import type { Decisions } from './useDecisions';

const LONG = 300;

function Cell(props: {
  name: string;
  value: unknown;
  bad: boolean;
  typed: string | undefined;
  onType: ((text: string) => void) | undefined;
}) {
  const { name, value, bad, typed, onType } = props;
  const { say } = useLanguage();
  const text = textOfCell(value);
  const editable = onType && text.length <= LONG;
  return (
    <tr data-bad={bad || undefined} data-changed={(typed ?? text) !== text || undefined}>
      <th scope="row">
        <code>{name}</code>
        {bad && (
          <span className={styles.bad}>
            <span aria-hidden="true">■</span> {say('letter.badCell')}
          </span>
        )}
      </th>
      <td>
        {editable ? (
          <TextInput
            size="xs"
            aria-label={bad ? `${name}: ${say('letter.badCell')}` : name}
            value={typed ?? text}
            placeholder={say('letter.emptyCell')}
            onChange={({ currentTarget }) => onType(currentTarget.value)}
          />
        ) : (
          <code>{text === '' ? say('letter.emptyCell') : text.slice(0, LONG)}</code>
        )}
      </td>
    </tr>
  );
}

function About({ letter }: { letter: Letter }) {
  const { say, language } = useLanguage();
  const words = useWords();
  return (
    <>
      <p className={styles.reason}>
        <span aria-hidden="true">■</span> {letter.reason}
      </p>
      <dl className={styles.about}>
        <dt>{say('ops.col.source')}</dt>
        <dd>
          <code>{letter.entity_type}</code>
          {letter.reference_period && `, ${letter.reference_period}`}
        </dd>
        <dt>{say('letter.place')}</dt>
        <dd>
          <code>{letter.entity_id}</code>
        </dd>
        <dt>{say('letter.kind')}</dt>
        <dd>{words('letter.error', letter.error_type)}</dd>
        <dt>{say('ops.col.when')}</dt>
        <dd>{formatMoment(letter.created_at_utc, language)}</dd>
        {letter.run_id && (
          <>
            <dt>{say('error.run')}</dt>
            <dd>
              <code>{letter.run_id}</code>
            </dd>
          </>
        )}
        {letter.resolved && (
          <>
            <dt>{say('letter.decision')}</dt>
            <dd>
              {letter.resolved_by}: {letter.notes}
            </dd>
          </>
        )}
      </dl>
    </>
  );
}

function Buttons(props: { letter: Letter; typed: Record<string, string>; decisions: Decisions }) {
  const { letter, typed, decisions } = props;
  const { say } = useLanguage();
  const row = isRow(letter.payload) ? letter.payload : {};
  const changes = changedCells(row, typed);
  const changed = Object.keys(changes).length > 0;
  const many = { ids: [letter.dead_letter_id], what: letter.what, runs: 1 };
  return (
    <div className={styles.buttons}>
      <Button
        size="compact-sm"
        disabled={!changed}
        onClick={() => decisions.correct(letter, changes, { ...row, ...changes })}
      >
        {say('letter.correct')}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => decisions.replay(many)}>
        {say('letter.replay')}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => decisions.discard(many)}>
        {say('letter.discard')}
      </Button>
    </div>
  );
}

function Open({ letter, decisions }: { letter: Letter; decisions: Decisions }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const [typed, setTyped] = useState<Record<string, string>>({});
  const may = !letter.resolved && reaches(viewer.role, 'operator');
  const row: Payload | null = isRow(letter.payload) ? letter.payload : null;
  return (
    <>
      <About letter={letter} />
      {may && <Buttons letter={letter} typed={typed} decisions={decisions} />}
      {!may && !letter.resolved && <p>{say('letter.needsOperator')}</p>}
      <h3 className={styles.subtitle}>{say('letter.asItCame')}</h3>
      {row ? (
        <table className={styles.row}>
          <tbody>
            {Object.entries(row).map(([name, value]) => (
              <Cell
                key={name}
                name={name}
                value={value}
                bad={letter.fields.includes(name)}
                typed={typed[name]}
                onType={may ? (text) => setTyped({ ...typed, [name]: text }) : undefined}
              />
            ))}
          </tbody>
        </table>
      ) : (
        <pre className={styles.raw}>{JSON.stringify(letter.payload, null, 2)}</pre>
      )}
    </>
  );
}

/** A letter whole: why it was put aside, the row as it came, and what can be done about it. */
export function LetterDrawer(props: {
  id: string | undefined;
  decisions: Decisions;
  onClose: () => void;
}) {
  const { id, decisions, onClose } = props;
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery({
    ...letterQuery(id ?? ''),
    enabled: id !== undefined,
  });
  const focusBack = useFocusBack(id !== undefined);
  const letter = data && String(data.dead_letter_id) === id ? data : undefined;
  return (
    <Drawer
      {...focusBack}
      opened={id !== undefined}
      onClose={onClose}
      // With a question above it, the keys are the question's: Escape must not lose what was typed.
      closeOnEscape={decisions.proposal === null}
      trapFocus={decisions.proposal === null}
      position="right"
      size="lg"
      title={say('letter.title', { id: id ?? '' })}
      closeButtonProps={{ 'aria-label': say('app.close') }}
    >
      {error && <Refusal error={error} onRetry={() => void refetch()} />}
      {letter && !error && <Open key={id} letter={letter} decisions={decisions} />}
      {!letter && !error && <Waiting lines={8} />}
    </Drawer>
  );
}
