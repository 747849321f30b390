import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { onTheWire, recorded, VIEWER, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';
import { argumentsOf, searchOfArguments } from './arguments';
import { badArgument, blocksOf, commandOf } from './judge';

const runbook = {
  ...recorded.runbook,
  arguments: [
    { name: 'source', meaning: 'a fonte', pattern: '[a-z_]+', example: 'ibge', default: null },
  ],
};
const path = `/v1/runbooks/${runbook.name}`;
const address = `/operacoes/runbook/${runbook.name}`;
const done = recorded.runbookRun;
const runPath = `/v1/runbook-runs/${done.runbook_run_id}`;
const runAddress = `/operacoes/runbooks-executados/${done.runbook_run_id}`;

beforeEach(() => keepKey(VIEWER_KEY));

describe('a runbook’s text', () => {
  it('is headings, words, code and cells, in their order', () => {
    const text = [
      '# O que é',
      'Uma linha',
      'e outra.',
      '',
      '```',
      'saída',
      '```',
      '```bash {name=see-it, danger=true}',
      'atalaia ps',
      '```',
      'Fim.',
    ].join('\n');
    expect(blocksOf(text)).toEqual([
      { kind: 'heading', text: 'O que é' },
      { kind: 'words', text: 'Uma linha\ne outra.' },
      { kind: 'code', text: 'saída' },
      { kind: 'cell', text: 'see-it' },
      { kind: 'words', text: 'Fim.' },
    ]);
  });

  it('names every cell the API would execute', () => {
    const named = blocksOf(recorded.runbook.text)
      .filter(({ kind }) => kind === 'cell')
      .map(({ text }) => text);
    expect(named).toEqual(recorded.runbook.cells.map(({ name }) => name));
  });
});

describe('its words', () => {
  it('run on, keep their lists, and show code as code', async () => {
    const text = 'O veredito\né `source_failed`.\n- um\n- dois\n';
    onTheWire({ [path]: { ...runbook, text } });
    visit(address);
    const code = await screen.findByText('source_failed');
    expect(code.tagName).toBe('CODE');
    expect(code.closest('p')?.textContent).toBe('O veredito é source_failed.\n- um\n- dois');
  });
});

describe('arguments', () => {
  it('travel in the address beside what else is there', () => {
    const search = { lang: 'en', ...searchOfArguments({ source: 'ibge', period: '2019' }) };
    expect(argumentsOf(search)).toEqual({ source: 'ibge', period: '2019' });
  });

  it.each([
    ['', 'missing'],
    ['ibge', null],
    ['ibge; rm', 'odd'],
    ['x\nibge', 'odd'],
  ])('%j is %s', (value, bad) => expect(badArgument(value, '[a-z]+')).toBe(bad));

  it('are quoted in the command', () => {
    expect(commandOf('a/b', { x: "it's $HOME", y: '2019-01', z: '' })).toBe(
      `.venv/bin/atalaia runbook run a/b --arg 'x=it'\\''s $HOME' --arg y=2019-01 --reason "…"`,
    );
  });
});

describe('executing one', () => {
  it('takes the arguments an alert filled in, shows what it does, asks why, and leads to it', async () => {
    const asked = onTheWire({
      [path]: runbook,
      '/v1/runbook-runs': ({ method }: { method: string }) =>
        method === 'POST' ? { id: done.runbook_run_id } : { items: [], more: false },
    });
    visit(`${address}?arg_source=ibge_admin`);
    expect(await screen.findByLabelText(/^source/)).toHaveValue('ibge_admin');
    expect(screen.getByText(/--arg source=ibge_admin/)).toBeInTheDocument();
    await userEvent.click(screen.getByRole('button', { name: 'Executar' }));
    const dialog = within(await screen.findByRole('dialog'));
    expect(dialog.getByText('source = ibge_admin')).toBeInTheDocument();
    for (const { name } of runbook.cells) expect(dialog.getByText(name)).toBeInTheDocument();
    await userEvent.type(dialog.getByLabelText(/Por quê/), 'alerta');
    await userEvent.click(dialog.getByRole('button', { name: 'Executar' }));
    expect(await screen.findByText(/^Execução pedida/)).toBeInTheDocument();
    const sent = asked.find(({ method }) => method === 'POST');
    expect(sent?.body).toEqual({
      runbook: runbook.name,
      arguments: { source: 'ibge_admin' },
      confirmed: true,
      reason: 'alerta',
    });
    expect(sent?.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('does not ask with an argument that is missing or odd', async () => {
    onTheWire({ [path]: runbook });
    visit(address);
    await userEvent.click(await screen.findByRole('button', { name: 'Executar' }));
    expect(screen.getByText('Falta. Por exemplo: ibge')).toBeInTheDocument();
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('that stops parts of the product is a command, not a button', async () => {
    onTheWire({ [path]: { ...runbook, place: 'terminal' } });
    visit(address);
    expect(await screen.findByText(/só se executa no terminal/)).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Executar' })).toBeNull();
    expect(screen.getByText(/runbook run .* --reason/)).toBeInTheDocument();
  });

  it('is no button for who may only read', async () => {
    onTheWire({ [path]: runbook, '/v1/session': { ...VIEWER, role: 'viewer' } });
    visit(address);
    expect(await screen.findByText(/pede o papel de operador/)).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Executar' })).toBeNull();
  });

  it('marks what asks for a second person in shape and word', async () => {
    const cells = runbook.cells.map((cell, at) => ({ ...cell, danger: at === 0 }));
    onTheWire({ [path]: { ...runbook, cells } });
    visit(address);
    const marks = await screen.findAllByText(/só com a aprovação de uma segunda pessoa/);
    expect(marks).toHaveLength(1);
    expect(marks[0]).toHaveTextContent('■ crítico');
  });
});

describe('a run of a runbook', () => {
  it('shows what each cell said, with the hash of it', async () => {
    onTheWire();
    visit(runAddress);
    await screen.findByRole('heading', { name: done.runbook });
    for (const cell of done.cells) {
      const item = screen.getByText(cell.name, { selector: 'code' }).closest('li');
      expect(item).toHaveTextContent(
        { passed: '● ok', failed: '■ crítico', pending: '○ desconhecido' }[cell.status] ?? '?',
      );
      if (cell.output) expect(item).toHaveTextContent(`SHA-256 ${cell.output_sha256.slice(0, 12)}`);
    }
  });

  it('that waits is approved with a reason', async () => {
    const [one, ...rest] = done.cells;
    const cells = [{ ...one, name: 'drop-it', status: 'waiting' }, ...rest];
    const asked = onTheWire({
      [runPath]: { ...done, status: 'waiting', cells },
      [`${runPath}/approve`]: { cell: 'drop-it', goes_on: true },
    });
    visit(runAddress);
    await userEvent.click(await screen.findByRole('button', { name: 'Aprovar' }));
    const dialog = within(
      await screen.findByRole('dialog', { name: 'Aprovar a célula “drop-it”' }),
    );
    await userEvent.type(dialog.getByLabelText(/Por quê/), 'conferido');
    await userEvent.click(dialog.getByRole('button', { name: 'Aprovar' }));
    await waitFor(() =>
      expect(asked.find(({ method }) => method === 'POST')?.body).toEqual({ reason: 'conferido' }),
    );
  });

  it('just asked for waits for a worker; it is not taken for interrupted', async () => {
    const cells = done.cells.map((cell) => ({
      ...cell,
      status: 'pending',
      attempts: 0,
      output: '',
    }));
    onTheWire({ [runPath]: { ...done, status: 'interrupted', cells } });
    visit(runAddress);
    expect(await screen.findByText(/espera um trabalhador/)).toHaveTextContent('○ desconhecido');
    expect(screen.queryByRole('button', { name: /Seguir/ })).toBeNull();
  });

  it('that stopped half way can be gone on with', async () => {
    onTheWire({ [runPath]: { ...done, status: 'interrupted' } });
    visit(runAddress);
    expect(await screen.findByRole('button', { name: 'Seguir de onde parou' })).toBeVisible();
  });
});
