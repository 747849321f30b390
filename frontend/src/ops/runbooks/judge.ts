import type { CellRun, RunbookRun, RunbookRunWhole } from '../../api/watchTypes';
import type { State } from '../state';

export const STATE_OF_RUN: Record<RunbookRun['status'], State> = {
  running: 'unknown',
  waiting: 'warn',
  succeeded: 'ok',
  failed: 'critical',
  interrupted: 'critical',
};

export const STATE_OF_CELL: Record<CellRun['status'], State> = {
  pending: 'unknown',
  running: 'unknown',
  waiting: 'warn',
  passed: 'ok',
  failed: 'critical',
  skipped: 'muted',
};

/** Asked for, and no worker has begun: to the API it looks as if nobody were at it any more. */
export function isQueued({ status, cells }: Pick<RunbookRunWhole, 'status' | 'cells'>): boolean {
  return status === 'interrupted' && cells.every(({ attempts }) => attempts === 0);
}

/** A piece of it; of a cell, `text` is its name. */
export interface Block {
  kind: 'heading' | 'words' | 'code' | 'cell';
  text: string;
}

const FENCE = /^```(.*)$/;
const NAME = /\bname\s*=\s*"?([a-z][a-z0-9-]*)/;

/** A runbook's Markdown as a reader sees it: headings, words, code, and the cells by name. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let words: string[] = [];
  let fence: { info: string; lines: string[] } | null = null;
  const flush = () => {
    if (words.length > 0) blocks.push({ kind: 'words', text: words.join('\n') });
    words = [];
  };
  for (const line of text.split('\n')) {
    const mark = FENCE.exec(line);
    if (fence && mark) {
      const name = NAME.exec(fence.info)?.[1];
      blocks.push(
        name ? { kind: 'cell', text: name } : { kind: 'code', text: fence.lines.join('\n') },
      );
      fence = null;
    } else if (fence) {
      fence.lines.push(line);
    } else if (mark) {
      flush();
      fence = { info: mark[1] ?? '', lines: [] };
    } else if (/^#+ /.test(line)) {
      flush();
      blocks.push({ kind: 'heading', text: line.replace(/^#+ /, '') });
    } else if (line.trim() === '') {
      flush();
    } else {
      words.push(line);
    }
  }
  flush();
  return blocks;
}

/** What is wrong with a value before anybody is asked: nothing given, or not as it must look. */
export function badArgument(value: string, pattern: string): 'missing' | 'odd' | null {
  if (value === '') return 'missing';
  return new RegExp(`^(?:${pattern})$`, 'u').test(value) ? null : 'odd';
}

/** The command that does the same at a terminal; what a shell could read is quoted. */
export function commandOf(name: string, values: Record<string, string>): string {
  const given = Object.entries(values)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => {
      const pair = `${key}=${value}`;
      return ` --arg ${/^[\w=./:@-]+$/.test(pair) ? pair : `'${pair.replaceAll("'", `'\\''`)}'`}`;
    });
  return `.venv/bin/atalaia runbook run ${name}${given.join('')} --reason "…"`;
}
