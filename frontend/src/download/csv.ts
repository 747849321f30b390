export type Cell = string | number | null;

export interface Sheet {
  /** Lines above the table, written as `# name: value`; readers of data skip them by that mark. */
  about: readonly (readonly [name: string, value: string])[];
  header: readonly string[];
  rows: readonly (readonly Cell[])[];
}

/** A spreadsheet runs text that begins so as a formula; numbers are written by us and are safe. */
const FORMULA = /^[=+\-@\t\r]/;

function textCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[";\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function cell(value: Cell): string {
  if (value === null) return '';
  return typeof value === 'number' ? String(value).replace('.', ',') : textCell(value);
}

function aboutLine([name, value]: readonly [string, string]): string {
  // One line each: a line break here would end the comment and start a row.
  return `# ${name}: ${value.replace(/\s*[\r\n]+\s*/g, ' ')}`;
}

/**
 * The table as Brazilian spreadsheets open it by a double click: `;` between cells, decimal comma,
 * UTF-8 with its mark. Metadata stand above as lines beginning with `#`.
 */
export function csvOf({ about, header, rows }: Sheet): string {
  const lines = [
    ...about.map(aboutLine),
    ...[header, ...rows].map((row) => row.map(cell).join(';')),
  ];
  return `\uFEFF${lines.join('\r\n')}\r\n`;
}

export function csvBlob(sheet: Sheet): Blob {
  return new Blob([csvOf(sheet)], { type: 'text/csv;charset=utf-8' });
}
