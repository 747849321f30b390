import { Button } from '@mantine/core';
import { Refusal } from '../../app/Refusal';
import { type Cell, csvBlob } from '../../download/csv';
import { fileName, save } from '../../download/save';
import { useLanguage } from '../../i18n/language';
import { useTry } from '../useTry';
import type { DataColumn } from './DataTable';

interface ExportButtonProps<T> {
  /** Of the file and of the metadata in it. */
  title: string;
  name: string;
  columns: readonly DataColumn<T>[];
  /** Every row that fits the filters, not only those on the screen. */
  rowsOf: () => Promise<readonly T[]> | readonly T[];
}

/** The list as CSV, with what it is, when it was made and the address that shows it again. */
export function ExportButton<T>({ title, name, columns, rowsOf }: ExportButtonProps<T>) {
  const { say } = useLanguage();
  const { busy, error, attempt } = useTry();
  const make = () =>
    attempt(async () => {
      const rows = await rowsOf();
      const kept = columns.filter(({ value }) => value);
      const sheet = {
        about: [
          [say('csv.title'), title],
          [say('csv.url'), location.href],
          [say('csv.made'), new Date().toISOString()],
          [say('csv.format'), say('csv.formatText')],
        ] as const,
        header: kept.map((column) => column.title),
        rows: rows.map((row) => kept.map(({ value }): Cell => value?.(row) ?? null)),
      };
      save(fileName([name], 'csv'), csvBlob(sheet));
    });
  return (
    <div>
      <Button size="compact-sm" variant="default" loading={busy} onClick={make}>
        {say('list.csv')}
      </Button>
      {error && <Refusal error={error} onRetry={make} />}
    </div>
  );
}
