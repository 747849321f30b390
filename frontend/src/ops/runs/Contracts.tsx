import type { RunContract } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { DataTable } from '../list/DataTable';
import { Moment } from '../Moment';
import styles from './Run.module.css';

/** The names of a contract's columns, however it keeps them. */
function namesOf(columns: unknown): string[] {
  if (Array.isArray(columns)) {
    return columns.map((one: unknown) =>
      typeof one === 'object' && one !== null && 'name' in one ? String(one.name) : String(one),
    );
  }
  return typeof columns === 'object' && columns !== null ? Object.keys(columns) : [];
}

/** What was agreed with the sources about their columns, as it was when the run read them. */
export function Contracts({ contracts }: { contracts: readonly RunContract[] }) {
  const { say } = useLanguage();
  return (
    <DataTable
      caption={say('source.contracts')}
      items={contracts}
      keyOf={({ connector, version }) => `${connector}/${version}`}
      empty={<p className={styles.none}>{say('run.noContract')}</p>}
      columns={[
        {
          id: 'connector',
          title: say('ops.col.source'),
          cell: ({ connector }) => <code>{connector}</code>,
        },
        {
          id: 'version',
          title: say('source.version'),
          numeric: true,
          cell: ({ version }) => version,
        },
        {
          id: 'table',
          title: say('run.table'),
          wide: true,
          cell: ({ table_name }) => <code>{table_name}</code>,
        },
        {
          id: 'columns',
          title: say('run.columns'),
          cell: ({ columns }) => namesOf(columns).join(', ') || '—',
        },
        {
          id: 'when',
          title: say('ops.col.when'),
          wide: true,
          cell: ({ created_at_utc }) => <Moment iso={created_at_utc} />,
        },
      ]}
    />
  );
}
