import { screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { sayIn } from '../i18n/language';
import { show } from '../test/render';
import { classNames, Legend } from './Legend';

const indicator = {
  classes: [0, 10, 20, 5000],
  decimals: 1,
  scale: 'sequential' as const,
  center: null,
};

function items(values: [string, number][]) {
  const { unmount } = show(
    <Legend
      indicator={indicator}
      colours={['#aaa', '#bbb', '#ccc']}
      values={new Map(values)}
      total={10}
      scheme="light"
    />,
  );
  const list = within(screen.getByRole('region', { name: 'Legenda' }));
  const texts = list.getAllByRole('listitem').map(({ textContent }) => textContent);
  unmount();
  return texts;
}

describe('the legend', () => {
  it('names the classes in the reader’s figures, the outer ones open', () => {
    expect(items([])).toEqual(['menos de 100', '10 a 200', '20 ou mais0', 'sem dado10']);
  });

  it('tells counted things apart to the last one: 10 to 19, then 20', () => {
    const say = sayIn('pt-BR');
    const counted = { ...indicator, classes: [0, 1, 2, 10, 20], decimals: 0 };
    expect(classNames(counted, 'pt-BR', say)).toEqual(['menos de 1', '1', '2 a 9', '10 ou mais']);
  });

  it('keeps its classes while the values move, and counts them anew', () => {
    const early = items([
      ['a', 1],
      ['b', 1],
      ['c', 12],
    ]);
    const late = items([
      ['a', 12],
      ['b', 15],
      ['c', 9000],
    ]);
    expect(early).toEqual(['menos de 102', '10 a 201', '20 ou mais0', 'sem dado7']);
    expect(late).toEqual(['menos de 100', '10 a 202', '20 ou mais1', 'sem dado7']);
  });

  it('names the centre of a diverging scale and says that water is not counted', () => {
    show(
      <Legend
        indicator={{ ...indicator, scale: 'diverging', center: 0 }}
        colours={[]}
        values={new Map()}
        total={0}
        scheme="dark"
      />,
    );
    expect(screen.getByText(/Centro: 0/)).toHaveTextContent('água, fora da conta');
  });
});
