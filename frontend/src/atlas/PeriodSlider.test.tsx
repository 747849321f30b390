import { act, fireEvent, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { show } from '../test/render';
import { media } from '../test/setup';
import { PeriodSlider } from './PeriodSlider';

const PERIODS = ['2019-11', '2019-12', '2020-01'];
const seen: string[] = [];

function Held({ start, busy = false }: { start: string; busy?: boolean }) {
  const [period, setPeriod] = useState(start);
  return (
    <PeriodSlider
      periods={PERIODS}
      period={period}
      busy={busy}
      onChange={(next) => {
        seen.push(next);
        setPeriod(next);
      }}
    />
  );
}

const button = (name: string) => screen.getByRole('button', { name });
const slider = () => screen.getByRole('slider', { name: /Período/ });

beforeEach(() => {
  seen.length = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the period slider', () => {
  it('says the period in words, not its position', () => {
    show(<Held start="2019-12" />);
    expect(slider()).toHaveAttribute('aria-valuetext', 'dez/2019');
  });

  it('steps to the next and the previous period and stops at the ends', () => {
    show(<Held start="2019-12" />);
    fireEvent.click(button('Próximo período'));
    expect(seen).toEqual(['2020-01']);
    expect(button('Próximo período')).toBeDisabled();
    fireEvent.change(slider(), { target: { value: '0' } });
    expect(seen.at(-1)).toBe('2019-11');
    expect(button('Período anterior')).toBeDisabled();
  });

  it('plays to the end and stops there', () => {
    show(<Held start="2019-11" />);
    fireEvent.click(button('Avançar sozinho'));
    for (let step = 0; step < 5; step += 1) act(() => vi.advanceTimersByTime(1000));
    expect(seen).toEqual(['2019-12', '2020-01']);
    expect(button('Avançar sozinho')).toBeInTheDocument();
  });

  it('waits for the picture on its way before the next step', () => {
    show(<Held start="2019-11" busy />);
    fireEvent.click(button('Avançar sozinho'));
    act(() => vi.advanceTimersByTime(5000));
    expect(seen).toEqual([]);
  });

  it('does not play for readers who asked for less motion, who keep the steps', () => {
    media.add('(prefers-reduced-motion: reduce)');
    show(<Held start="2019-11" />);
    expect(screen.queryByRole('button', { name: 'Avançar sozinho' })).toBeNull();
    expect(button('Próximo período')).toBeEnabled();
  });

  it('is a plain statement where there is one period only', () => {
    show(<PeriodSlider periods={['2020']} period="2020" busy={false} onChange={() => undefined} />);
    expect(screen.queryByRole('slider')).toBeNull();
    expect(screen.getByText('2020')).toBeInTheDocument();
  });
});
