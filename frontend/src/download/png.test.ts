import { describe, expect, it } from 'vitest';
import { compose, wrap } from './png';
import { fileName } from './save';

const measure = (text: string) => text.length;

function plate(legend: number, footer: string[]) {
  const picture = document.createElement('canvas');
  picture.width = 1200;
  picture.height = 800;
  return {
    title: 'Óbitos registrados no ano, 2019',
    subtitle: 'óbitos',
    picture,
    width: 600,
    legend: Array.from({ length: legend }, (_, n) => ({
      name: `classe número ${n}`,
      colour: '#fff',
    })),
    footer,
    colours: { paper: '#fff', ink: '#000', soft: '#555', hatch: '#999', land: '#ddd' },
  };
}

describe('the picture', () => {
  it('breaks text at words and never loses one', () => {
    const lines = wrap('óbitos registrados em cartório; cobertura crescente', 20, measure);
    expect(lines.every((line) => line.length <= 20)).toBe(true);
    expect(lines.join(' ')).toBe('óbitos registrados em cartório; cobertura crescente');
    expect(wrap('umapalavralongademais', 5, measure)).toEqual(['umapalavralongademais']);
  });

  it('keeps the sharpness it was drawn with and makes room for what is baked in', () => {
    const canvas = compose(plate(3, ['Fonte: Registro Civil']));
    expect(canvas.width).toBe(1200);
    expect(canvas.height).toBeGreaterThan(800 + 2 * 100);
  });

  it('grows with its legend and its notes rather than cutting them', () => {
    const small = compose(plate(2, ['Fonte']));
    expect(compose(plate(16, ['Fonte'])).height).toBeGreaterThan(small.height);
    expect(compose(plate(2, ['Fonte', 'Nota', 'Data'])).height).toBeGreaterThan(small.height);
  });

  it('is saved under a name any system takes', () => {
    expect(fileName(['deaths_total', '2019/07'], 'png')).toBe('atalaia-deaths_total-2019_07.png');
  });
});
