import { act, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Late } from './Late';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a skeleton', () => {
  it('does not flicker when the answer comes within 300 ms, and shows after that', () => {
    render(<Late>espera</Late>);
    act(() => vi.advanceTimersByTime(299));
    expect(screen.queryByText('espera')).toBeNull();
    act(() => vi.advanceTimersByTime(1));
    expect(screen.getByText('espera')).toBeInTheDocument();
  });
});
