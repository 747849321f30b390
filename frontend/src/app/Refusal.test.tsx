import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { ProblemError } from '../api/problem';
import { TRACE } from '../test/api';
import { show } from '../test/render';
import { Refusal } from './Refusal';

const failed = (status: number, detail = 'O banco não respondeu.') =>
  new ProblemError({ type: 'about:blank', title: 'x', status, detail, trace_id: TRACE });

describe('a refusal', () => {
  it('says what happened, what was kept, what to do, and the number to quote', () => {
    show(<Refusal error={failed(503)} kept />);
    const text = screen.getByRole('alert').textContent;
    expect(text).toContain('A Atalaia não conseguiu responder');
    expect(text).toContain('O banco não respondeu.');
    expect(text).toContain('O que já estava na tela foi mantido.');
    expect(text).toContain('Tente de novo.');
    expect(text).toContain(TRACE);
  });

  it('does not claim to have kept what was never there', () => {
    show(<Refusal error={failed(503)} />);
    expect(screen.getByRole('alert')).not.toHaveTextContent('foi mantido');
  });

  it('explains silence in words, not in the browser’s jargon', () => {
    show(<Refusal error={failed(0, 'TypeError: Failed to fetch')} />);
    expect(screen.getByRole('alert')).toHaveTextContent('A Atalaia não respondeu');
    expect(screen.getByRole('alert')).not.toHaveTextContent('TypeError');
  });

  it('tries again when asked', async () => {
    const retry = vi.fn();
    show(<Refusal error={failed(503)} onRetry={retry} />);
    await userEvent.click(screen.getByRole('button', { name: 'Tentar de novo' }));
    expect(retry).toHaveBeenCalledOnce();
  });

  it('offers no second try where the answer would be the same', () => {
    show(<Refusal error={failed(404)} onRetry={() => undefined} />);
    expect(screen.getByRole('alert')).toHaveTextContent('Volte ao mapa');
    expect(screen.queryByRole('button')).toBeNull();
  });
});
