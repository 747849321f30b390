import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { onTheWire } from '../test/api';
import { visit } from '../test/render';

describe('the shell', () => {
  it('has the landmarks and a way past the header', async () => {
    onTheWire();
    visit('/');
    const skip = await screen.findByRole('link', { name: 'Pular para o conteúdo' });
    const main = screen.getByRole('main');
    expect(skip).toHaveAttribute('href', `#${main.id}`);
    expect(screen.getByRole('banner')).toBeInTheDocument();
    expect(screen.getByRole('navigation', { name: 'Seções' })).toBeInTheDocument();
  });

  it('changes language in place, keeping the rest of the address', async () => {
    onTheWire();
    const { address } = visit('/?indicator=deaths_total&period=2018');
    await userEvent.click(await screen.findByRole('button', { name: 'English' }));
    expect(await screen.findByRole('link', { name: 'Operations' })).toBeInTheDocument();
    expect(address()).toBe('/?indicator=deaths_total&period=2018&lang=en');
    expect(document.documentElement.lang).toBe('en');
  });

  it('carries the language of the address from screen to screen', async () => {
    onTheWire();
    const { address } = visit('/?lang=en');
    await userEvent.click(await screen.findByRole('link', { name: 'Operations' }));
    expect(await screen.findByRole('heading', { name: 'Operations room' })).toBeInTheDocument();
    expect(address()).toBe('/operacoes?lang=en');
  });

  it('says so at an address where there is nothing', async () => {
    onTheWire();
    visit('/nada');
    await waitFor(() => expect(screen.getByText(/Não há nada neste endereço/)).toBeInTheDocument());
    expect(screen.getByRole('link', { name: 'Voltar ao mapa' })).toHaveAttribute('href', '/');
  });
});
