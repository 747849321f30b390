import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../api/key';
import { OriginButton } from '../origin/OriginButton';
import { OriginProvider } from '../origin/OriginDrawer';
import { indicatorUri } from '../origin/origin';
import { onTheWire, recorded, VIEWER, VIEWER_KEY } from '../test/api';
import { show, visit } from '../test/render';

const [letter] = recorded.letters.items;
const [record] = recorded.audit.items;
if (!letter || !record) throw new Error('a letter and a record are needed');

const dialogs = () => screen.queryAllByRole('dialog');
const gone = () => waitFor(() => expect(dialogs()).toHaveLength(0));
const table = async (name: RegExp) => within(await screen.findByRole('table', { name }));
const firstButton = async (name: RegExp, button: string) =>
  (await table(name)).getAllByRole('button', { name: button })[0] as HTMLElement;

/** The five there are, each with the element that opens it. */
const OVERLAYS: Record<string, () => Promise<HTMLElement>> = {
  'the origin of a number': async () => {
    show(
      <OriginProvider>
        <OriginButton uri={indicatorUri('3121605', 'deaths_total', '2019')} what="Óbitos" />
      </OriginProvider>,
      'default',
    );
    return screen.getByRole('button', { name: 'De onde veio: Óbitos' });
  },
  'a dead letter': async () => {
    visit('/operacoes/mortos', 'default');
    return firstButton(/posto de lado/, letter.reason);
  },
  'a record': async () => {
    visit('/operacoes/auditoria', 'default');
    return firstButton(/Quem fez o quê/, record.action);
  },
  'the reason': async () => {
    visit('/operacoes/mortos', 'default');
    return (await screen.findAllByRole('button', { name: /^Descartar \d/ }))[0] as HTMLElement;
  },
  'a new key': async () => {
    visit('/operacoes/chaves', 'default');
    return screen.findByRole('button', { name: 'Criar uma chave' });
  },
};

/** Presses Escape as soon as a dialog is there: before any timer of its own has run. */
function escapeAtOnce(): Promise<void> {
  return new Promise((done) => {
    const watch = new MutationObserver(() => {
      const [dialog] = dialogs();
      if (!dialog) return;
      watch.disconnect();
      dialog.ownerDocument.activeElement?.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }),
      );
      done();
    });
    watch.observe(document.body, { childList: true, subtree: true });
  });
}

beforeEach(() => {
  keepKey(VIEWER_KEY);
  onTheWire({
    '/v1/session': { ...VIEWER, role: 'admin' },
    [`/v1/ops/dead-letters/${letter.dead_letter_id}`]: letter,
    '/v1/ops/dead-letters/discard': { decided: 1 },
  });
});

describe('what opened a dialog has the focus back', () => {
  it.each(Object.keys(OVERLAYS))('%s: closed before it took the focus', async (name) => {
    const opener = await (OVERLAYS[name] as () => Promise<HTMLElement>)();
    const escaped = escapeAtOnce();
    await userEvent.click(opener);
    await escaped;
    await gone();
    expect(opener).toHaveFocus();
  });

  it.each(Object.keys(OVERLAYS))('%s: closed after it took the focus', async (name) => {
    const opener = await (OVERLAYS[name] as () => Promise<HTMLElement>)();
    await userEvent.click(opener);
    await waitFor(() =>
      expect(dialogs()[0]).toContainElement(document.activeElement as HTMLElement),
    );
    await userEvent.keyboard('{Escape}');
    await gone();
    expect(opener).toHaveFocus();
  });

  it('a question above a drawer gives it back to the drawer, which gives it back to its row', async () => {
    const row = await (OVERLAYS['a dead letter'] as () => Promise<HTMLElement>)();
    await userEvent.click(row);
    const button = await screen.findByRole('button', { name: 'Descartar' });
    await userEvent.click(button);
    await userEvent.click(await screen.findByRole('button', { name: 'Não fazer nada' }));
    await waitFor(() => expect(dialogs()).toHaveLength(1));
    expect(button).toHaveFocus();
    await userEvent.keyboard('{Escape}');
    await gone();
    expect(row).toHaveFocus();
  });

  it('a question answered closes the drawer beneath it too, and the row has it', async () => {
    const row = await (OVERLAYS['a dead letter'] as () => Promise<HTMLElement>)();
    await userEvent.click(row);
    await userEvent.click(await screen.findByRole('button', { name: 'Descartar' }));
    await userEvent.type(await screen.findByLabelText(/Por quê/), 'lixo{Tab}');
    await userEvent.click(screen.getByRole('button', { name: 'Descartar 1' }));
    await gone();
    expect(row).toHaveFocus();
  });

  it('when it is gone meanwhile, the list it stood in has it', async () => {
    const row = await (OVERLAYS['a dead letter'] as () => Promise<HTMLElement>)();
    const list = row.closest('section');
    await userEvent.click(row);
    await screen.findByRole('button', { name: 'Descartar' });
    row.remove();
    await userEvent.keyboard('{Escape}');
    await gone();
    expect(list).toHaveAccessibleName('O que foi posto de lado');
    expect(list).toHaveFocus();
  });

  it('who went on to something else meanwhile stays there', async () => {
    const opener = await (OVERLAYS['a new key'] as () => Promise<HTMLElement>)();
    await userEvent.click(opener);
    await screen.findByRole('dialog');
    await userEvent.keyboard('{Escape}');
    const elsewhere = screen.getByLabelText('Mostrar');
    await userEvent.click(elsewhere);
    await gone();
    expect(elsewhere).toHaveFocus();
  });
});
