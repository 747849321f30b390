import type { BronzeFile } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatSize } from '../../text/format';
import { CopyButton } from '../CopyButton';
import { DataTable } from '../list/DataTable';
import { Moment } from '../Moment';
import styles from './Run.module.css';

function Origin({ file }: { file: BronzeFile }) {
  const { say } = useLanguage();
  if (file.exchange) {
    return (
      <>
        <code>{file.exchange.url}</code> {say('run.http', { status: file.exchange.status })}
      </>
    );
  }
  if (file.package) {
    return (
      <>
        {file.package.name} {file.package.version}
      </>
    );
  }
  return '—';
}

/** The raw files a run read, as they came and never changed. */
export function Files({ files }: { files: readonly BronzeFile[] }) {
  const { say, language } = useLanguage();
  return (
    <DataTable
      caption={say('run.files')}
      items={files}
      keyOf={({ bronze_id }) => String(bronze_id)}
      empty={<p className={styles.none}>{say('run.noFiles')}</p>}
      columns={[
        { id: 'path', title: say('backup.file'), cell: ({ path }) => <code>{path}</code> },
        {
          id: 'size',
          title: say('backup.size'),
          numeric: true,
          cell: ({ size }) => formatSize(size, language),
        },
        {
          id: 'hash',
          title: say('origin.bronze.hash'),
          wide: true,
          cell: ({ sha256, path }) => (
            <>
              <code title={sha256}>{sha256.slice(0, 12)}</code>{' '}
              <CopyButton text={sha256} what={`SHA-256, ${path}`} />
            </>
          ),
        },
        { id: 'from', title: say('run.from'), wide: true, cell: (file) => <Origin file={file} /> },
        {
          id: 'when',
          title: say('ops.col.when'),
          cell: ({ extracted_at }) => <Moment iso={extracted_at} />,
        },
      ]}
    />
  );
}
