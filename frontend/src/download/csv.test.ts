import { describe, expect, it } from 'vitest';
import { csvOf } from './csv';

const sheet = (cell: string | number | null) =>
  csvOf({ about: [], header: ['h'], rows: [[cell]] }).split('\r\n')[1];

describe('the CSV', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])(
    'stops %j from running as a formula',
    (text) => {
      expect(sheet(text)?.replace(/^"/, '')).toMatch(/^'/);
    },
  );

  it('leaves a negative number a number, with a decimal comma', () => {
    expect(sheet(-0.8)).toBe('-0,8');
    expect(sheet(1234567)).toBe('1234567');
  });

  it('tells no data from zero', () => {
    expect(sheet(null)).toBe('');
    expect(sheet(0)).toBe('0');
  });

  it('quotes what would break a row apart', () => {
    expect(sheet('a;b')).toBe('"a;b"');
    expect(sheet('say "x"')).toBe('"say ""x"""');
  });

  it('says what it is above the table, one line each, whatever the text', () => {
    const text = csvOf({
      about: [['nota', 'duas\nlinhas']],
      header: ['codigo', 'valor'],
      rows: [['3121605', 317]],
    });
    expect(text).toBe('\uFEFF# nota: duas linhas\r\ncodigo;valor\r\n3121605;317\r\n');
  });
});
