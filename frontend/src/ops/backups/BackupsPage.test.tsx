import { screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { onTheWire, recorded, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';

const backups = recorded.backups;
const [backup] = backups.items;
if (!backup) throw new Error('a backup is needed');

const drill = {
  drill_id: 'd',
  started_at_utc: '2026-11-22T12:00:00Z',
  restore_seconds: 41.5,
  database_bytes: 1_200_000_000,
  row_count: 123_456,
  passed: true,
  problem: null,
};

async function shown(change: object) {
  onTheWire({ '/v1/ops/backups': { ...backups, ...change } });
  visit('/operacoes/copias');
  const page = within(await screen.findByRole('region', { name: 'Cópias' }));
  await page.findByRole('heading', { name: 'Como voltar' });
  return page;
}

beforeEach(() => keepKey(VIEWER_KEY));

describe('backups', () => {
  it('that are too old stop what destroys: it says so and how to make one', async () => {
    const guard = { limit_hours: 24, newest_verified_utc: '2026-11-01T00:00:00Z', guarded: false };
    const page = await shown({ guard });
    expect(page.getByText(/Não há cópia conferida com menos de 24 h/)).toHaveTextContent(
      '■ crítico',
    );
    expect(page.getByText(/backup create --out .* --verify/)).toBeInTheDocument();
    expect(page.getByText(/A mais nova conferida foi feita/)).toHaveTextContent(/feita há \d+ /);
  });

  it('that are fresh say there is something to go back to', async () => {
    const guard = {
      limit_hours: 24,
      newest_verified_utc: new Date().toISOString(),
      guarded: true,
    };
    const page = await shown({ guard });
    expect(page.getByText(/Há para onde voltar/)).toHaveTextContent('● ok');
    expect(page.queryByText(/backup create/)).not.toBeInTheDocument();
  });

  it('tell the last drill in figures, and a failed one in its own words', async () => {
    const page = await shown({ drills: [drill] });
    expect(page.getByText(/Voltou em 41,5 s: banco de 1,2 GB, 123.456 linhas/)).toBeVisible();
  });

  it('tell a drill that failed', async () => {
    const page = await shown({ drills: [{ ...drill, passed: false, problem: 'soma diferente' }] });
    expect(page.getByText(/O último ensaio de volta FALHOU/)).toHaveTextContent('■ crítico');
    expect(page.getByText('soma diferente')).toBeInTheDocument();
  });

  it('never drilled are not taken for good', async () => {
    const page = await shown({ drills: [] });
    expect(page.getByText(/A volta nunca foi ensaiada/)).toHaveTextContent('○ desconhecido');
  });

  it('name the newest good one in the command that restores', async () => {
    const older = {
      ...backup,
      backup_id: 'o',
      name: 'velha.atalaia',
      created_at_utc: '2020-01-01',
    };
    const bad = { ...backup, backup_id: 'b', name: 'ruim.atalaia', problem: 'soma diferente' };
    const good = { ...backup, problem: null, verified_at_utc: backup.created_at_utc };
    const page = await shown({ items: [older, bad, good] });
    expect(page.getByText(new RegExp(`restore --from ${backup.name}`))).toBeInTheDocument();
    const table = within(page.getByRole('table', { name: 'Cópias de segurança' }));
    expect(table.getByText('soma diferente').closest('td')).toHaveTextContent('■ crítico');
  });
});
