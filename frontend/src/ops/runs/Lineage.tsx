import type { RunWhole } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import styles from './Run.module.css';

/** Where the rows came from and where they went: source, raw file, table. */
export function Lineage({ run }: { run: RunWhole }) {
  const { say, language } = useLanguage();
  const sources = [...new Set(run.bronze.map(({ source, dataset }) => `${source} / ${dataset}`))];
  const tables = run.steps.flatMap(({ table }) => table ?? []);
  if (sources.length + tables.length === 0) {
    return <p className={styles.none}>{say('run.noLineage')}</p>;
  }
  const stations = [
    ['run.lineage.source', sources],
    [
      'run.lineage.bronze',
      run.bronze.length > 0
        ? [say('run.lineage.files', { count: formatNumber(run.bronze.length, 0, language) })]
        : [],
    ],
    ['run.lineage.table', [...new Set(tables)]],
  ] as const;
  return (
    <ol className={styles.lineage}>
      {stations.map(([name, things]) => (
        <li key={name}>
          <span>{say(name)}</span>
          {things.length === 0 ? '—' : things.map((thing) => <code key={thing}>{thing}</code>)}
        </li>
      ))}
    </ol>
  );
}
