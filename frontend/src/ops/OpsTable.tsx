import { TextInput } from '@mantine/core';
import { type ReactNode, useMemo, useState } from 'react';
import { useLanguage } from '../i18n/language';
import { fold } from '../text/fold';
import styles from './Ops.module.css';
import { StateMark } from './StateMark';
import { bySeverity, type State } from './state';

export interface Column<T> {
  title: string;
  cell: (item: T) => ReactNode;
  numeric?: boolean;
}

interface OpsTableProps<T> {
  title: string;
  items: readonly T[];
  columns: readonly Column<T>[];
  keyOf: (item: T) => string;
  stateOf: (item: T) => State;
  /** What comes after all the others, however it stands. */
  lastOf?: (item: T) => boolean;
  /** What the filter reads. */
  textOf: (item: T) => string;
}

/** A list of the room: worst first, filtered by any word of the row. */
export function OpsTable<T>(props: OpsTableProps<T>) {
  const { title, items, columns, keyOf, stateOf, lastOf, textOf } = props;
  const { say } = useLanguage();
  const [text, setText] = useState('');
  const shown = useMemo(() => {
    const question = fold(text);
    return items
      .filter((item) => fold(textOf(item)).includes(question))
      .sort(
        (a, b) =>
          Number(lastOf?.(a) ?? false) - Number(lastOf?.(b) ?? false) ||
          bySeverity(stateOf(a), stateOf(b)),
      );
  }, [items, text, textOf, stateOf, lastOf]);
  return (
    <section aria-label={title} className={styles.list}>
      <div className={styles.listHead}>
        <h2>{title}</h2>
        <TextInput
          size="xs"
          aria-label={`${say('ops.filter')}: ${title}`}
          placeholder={say('ops.filter')}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
      <section className={styles.scroll} tabIndex={0} aria-label={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">{say('ops.col.state')}</th>
              {columns.map((column) => (
                <th key={column.title} scope="col" data-numeric={column.numeric}>
                  {column.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((item) => (
              <tr key={keyOf(item)}>
                <td>
                  <StateMark state={stateOf(item)} />
                </td>
                {columns.map((column) => (
                  <td key={column.title} data-numeric={column.numeric}>
                    {column.cell(item)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p>{say('ops.empty')}</p>}
      </section>
    </section>
  );
}
