import { NativeSelect } from '@mantine/core';
import { useLanguage } from '../../i18n/language';
import styles from './Bar.module.css';
import { useListSearch } from './useListSearch';

interface ChoiceProps {
  label: string;
  /** Its name in the address. */
  name: string;
  /** What can be chosen: the value, and how it is called. */
  options: readonly (readonly [value: string, title: string])[];
  /** What it is when the address does not say; else all of them can be shown. */
  usual?: string;
}

/** A filter of a few values, kept in the address. A value it does not know is shown as it came. */
export function Choice({ label, name, options, usual = '' }: ChoiceProps) {
  const { say } = useLanguage();
  const { search, put } = useListSearch();
  const chosen = search[name] ?? usual;
  const data = options.map(([value, title]) => ({ value, label: title }));
  if (usual === '') data.unshift({ value: '', label: say('list.all') });
  if (!data.some(({ value }) => value === chosen)) data.push({ value: chosen, label: chosen });
  return (
    <NativeSelect
      className={styles.field}
      size="xs"
      label={label}
      value={chosen}
      data={data}
      onChange={({ currentTarget: { value } }) =>
        put({ [name]: value === usual ? undefined : value, page: undefined })
      }
    />
  );
}
