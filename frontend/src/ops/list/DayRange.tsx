import { TextInput } from '@mantine/core';
import { useLanguage } from '../../i18n/language';
import styles from './Bar.module.css';

interface DayRangeProps<End extends string> {
  /** What the two ends are called in the address. */
  ends: readonly [first: End, last: End];
  /** Each end as YYYY-MM-DD; nothing: open. */
  days: { [end in End]?: string | undefined };
  onChange: (changes: { [end in End]?: string | undefined }) => void;
}

/** From a day until a day, both included. */
export function DayRange<End extends string>({ ends, days, onChange }: DayRangeProps<End>) {
  const { say } = useLanguage();
  return ends.map((end, at) => (
    <TextInput
      key={end}
      type="date"
      className={styles.field}
      size="xs"
      label={say(at === 0 ? 'audit.since' : 'audit.until')}
      value={days[end] ?? ''}
      onChange={({ currentTarget: { value } }) =>
        onChange({ [end]: value || undefined } as typeof days)
      }
    />
  ));
}
