import { Checkbox, NativeSelect, NumberInput, Textarea, TextInput } from '@mantine/core';
import { useLanguage } from '../i18n/language';
import { useWords } from '../ops/words';
import styles from './Equivalence.module.css';
import { LEVELS, type Level, type OriginSubject, type Subject } from './types';

export const LONGEST_SYLLABUS = 20_000;
const FIRST_YEAR = 1950;

export interface Draft extends Omit<OriginSubject, 'carga_horaria'> {
  key: string;
  carga_horaria: number | null;
}

export const emptyDraft = (): Draft => ({
  key: crypto.randomUUID(),
  nome: '',
  carga_horaria: null,
  ementa: '',
  nivel: 'graduacao',
  aprovado: true,
  ano_conclusao: null,
});

/** What is asked of a subject before it can be compared. */
export function lacks(draft: Draft): boolean {
  return draft.nome.trim() === '' || !draft.carga_horaria || draft.carga_horaria <= 0;
}

export function subjectOf({ nome, carga_horaria, ementa, nivel }: Draft): Subject {
  return { nome: nome.trim(), carga_horaria: carga_horaria ?? 0, ementa, nivel };
}

interface SubjectFormProps {
  title: string;
  draft: Draft;
  /** An origin: whether it was passed, and when. */
  origin: boolean;
  tried: boolean;
  onChange: (draft: Draft) => void;
  onRemove?: (() => void) | undefined;
}

/** One subject as its course describes it. */
export function SubjectForm(props: SubjectFormProps) {
  const { title, draft, origin, tried, onChange, onRemove } = props;
  const { say } = useLanguage();
  const words = useWords();
  const put = (changes: Partial<Draft>) => onChange({ ...draft, ...changes });
  return (
    <fieldset className={styles.subject}>
      <legend>{title}</legend>
      {onRemove && (
        <button type="button" className={styles.remove} onClick={onRemove}>
          {say('eq.removeOrigin')}
          <span className="visually-hidden">: {title}</span>
        </button>
      )}
      <TextInput
        required
        label={say('eq.name')}
        maxLength={200}
        value={draft.nome}
        error={tried && draft.nome.trim() === '' ? say('field.missing') : undefined}
        onChange={({ currentTarget: { value } }) => put({ nome: value })}
      />
      <div className={styles.row}>
        <NumberInput
          required
          label={say('eq.hours')}
          min={1}
          max={10_000}
          hideControls
          decimalSeparator=","
          value={draft.carga_horaria ?? ''}
          error={tried && !draft.carga_horaria ? say('field.missing') : undefined}
          onChange={(value) => put({ carga_horaria: typeof value === 'number' ? value : null })}
        />
        <NativeSelect
          label={say('eq.level')}
          value={draft.nivel}
          data={LEVELS.map((level) => ({ value: level, label: words('eq.level', level) }))}
          onChange={({ currentTarget: { value } }) => put({ nivel: value as Level })}
        />
        {origin && (
          <NumberInput
            label={say('eq.year')}
            min={FIRST_YEAR}
            max={new Date().getFullYear()}
            allowDecimal={false}
            thousandSeparator=""
            hideControls
            value={draft.ano_conclusao ?? ''}
            onChange={(value) => put({ ano_conclusao: typeof value === 'number' ? value : null })}
          />
        )}
      </div>
      {origin && (
        <Checkbox
          label={say('eq.passed')}
          checked={draft.aprovado}
          onChange={({ currentTarget: { checked } }) => put({ aprovado: checked })}
        />
      )}
      <Textarea
        label={say('eq.syllabus')}
        description={say('eq.syllabus.help')}
        autosize
        minRows={6}
        maxRows={14}
        maxLength={LONGEST_SYLLABUS}
        value={draft.ementa}
        onChange={({ currentTarget: { value } }) => put({ ementa: value })}
      />
    </fieldset>
  );
}
