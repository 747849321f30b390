import { memo, type RefObject, useContext } from 'react';
import { useLanguage } from '../i18n/language';
import { OriginButton } from '../origin/OriginButton';
import { indicatorUri } from '../origin/origin';
import { formatNumber } from '../text/format';
import { PointedContext } from '../view/pointed';
import type { Row } from './ranking';
import styles from './TerritoryTable.module.css';

/** What must be said with one value: a mark to the eye, words to the ear and to the pointer. */
function NoteMark({ note }: { note: string }) {
  const { say } = useLanguage();
  return (
    <span title={note} className={styles.note}>
      <span aria-hidden="true">▲ </span>
      <span className="visually-hidden">{say('table.note', { note })}. </span>
    </span>
  );
}

interface TerritoryRowProps {
  row: Row;
  decimals: number;
  indicator: string;
  period: string;
  onOpen: (id: string) => void;
  index: number;
  /** Where the row to walk from is kept; null for all others. */
  tabStop: RefObject<HTMLTableRowElement | null> | null;
  pointed: boolean;
  selected: boolean;
  onFocus: (index: number) => void;
}

/**
 * One place of the table: its rank, name, state, value, and the way back of that value. Pointing at
 * another, or scrolling, draws anew only the rows it changes.
 */
export const TerritoryRow = memo(function TerritoryRow(props: TerritoryRowProps) {
  const { row, index, tabStop, decimals } = props;
  const { say, language } = useLanguage();
  const pointer = useContext(PointedContext);
  return (
    <tr
      ref={tabStop}
      aria-rowindex={index + 2}
      aria-selected={props.selected}
      data-pointed={props.pointed || undefined}
      data-id={row.id}
      tabIndex={tabStop ? 0 : -1}
      onFocus={() => {
        props.onFocus(index);
        pointer.point(row.id, 'table');
      }}
      onMouseEnter={() => pointer.point(row.id, 'table')}
      onMouseLeave={() => pointer.point(null, 'table')}
      onClick={() => props.onOpen(row.id)}
    >
      <td className={styles.rank}>{row.rank ?? ''}</td>
      <th scope="row" title={row.name}>
        {row.name}
        {!row.hasMesh && <small> {say('table.noMesh')}</small>}
      </th>
      <td>{row.uf}</td>
      <td className={styles.number}>
        {row.value === null ? (
          <span className={styles.none}>{say('table.noData')}</span>
        ) : (
          <>
            {row.note && <NoteMark note={row.note} />}
            {formatNumber(row.value, decimals, language)}
          </>
        )}
      </td>
      <td className={styles.origin}>
        {row.value !== null && (
          <OriginButton
            compact
            tabIndex={tabStop ? 0 : -1}
            uri={indicatorUri(row.id, props.indicator, props.period)}
            what={`${row.name}, ${row.uf}`}
          />
        )}
      </td>
    </tr>
  );
});
