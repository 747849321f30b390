import { parseAst } from 'vite';
import { describe, expect, it } from 'vitest';
import { en } from './en';
import { keepLanguage, languageOf, sayIn } from './language';
import { ptBR } from './pt-BR';

const sources: Record<string, string> = import.meta.glob('../**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Families of keys whose last part is a value of the wire or of a closed type. */
const FAMILIES = [
  'level',
  'chart.scale',
  'verdict',
  'state',
  'ops.run',
  'ops.connector',
  'ops.source',
  'audit.verdict',
  'role',
  'key.status',
  'letter.error',
  'queue.verdict',
  'recurrence',
  'queue.batch',
  'audit',
  'run.step',
  'run.fact',
  'severity',
  'alert.status',
  'alert.shown',
  'deed',
  'slo.is',
  'source.state',
  'delivery.of',
  'delivery.status',
  'channel.kind',
  'incident.status',
  'incident.event',
  'runbook.place',
  'runbook.status',
  'runbook.cell',
  'cattle.colour',
  'cattle.sla',
  'cattle.met',
  'cattle.pipeline',
  'cattle.of',
  'cattle.status',
  'cattle.state',
  'cattle.origin',
  'cattle.how',
  'cattle.group',
  'cattle.light',
  'cattle.kg',
  'eq.level',
  'eq.decision',
  'eq.item',
  'eq.method',
  'eq.flag',
  'eq.term',
  'eq.batch.item',
  'eq.job',
  'eq.quota',
];

function paramsOf(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).sort();
}

type Node = { type: string; [part: string]: unknown };

const isNode = (part: unknown): part is Node =>
  typeof part === 'object' && part !== null && 'type' in part;

/** Attributes whose value is read by people. */
const READ = /^(aria-(label|description|valuetext|roledescription)|title|alt|placeholder|label)$/;

/** A command reads the same in every language. */
const CODE = /^(code|pre)$/;

const nameOf = (part: Node) => String((part.name as Node).name);

/** What an expression may come to, as far as it is written out in it. */
function written(part: unknown): string[] {
  if (!isNode(part)) return [];
  switch (part.type) {
    case 'JSXText':
    case 'Literal':
      return typeof part.value === 'string' ? [part.value] : [];
    case 'TemplateLiteral':
      return (part.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked);
    case 'JSXExpressionContainer':
      return written(part.expression);
    case 'ConditionalExpression':
      return [...written(part.consequent), ...written(part.alternate)];
    case 'LogicalExpression':
      return [...written(part.left), ...written(part.right)];
    default:
      return [];
  }
}

/** Words people would read that a component holds itself: between tags and in read attributes. */
function wordsIn(source: string): string[] {
  const found: string[] = [];
  const walk = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(walk);
    if (!isNode(part)) return;
    if (part.type === 'JSXElement' && CODE.test(nameOf(part.openingElement as Node))) return;
    if (part.type === 'JSXElement' || part.type === 'JSXFragment') {
      found.push(...(part.children as unknown[]).flatMap(written));
    }
    if (part.type === 'JSXAttribute' && READ.test(nameOf(part))) {
      found.push(...written(part.value));
    }
    Object.values(part).forEach(walk);
  };
  walk(parseAst(source, { lang: 'tsx' }));
  return found.filter((words) => /\p{L}{3,}/u.test(words.replace(/&#?\w+;/g, ' ')));
}

describe('the catalogue', () => {
  it('has the same messages in both languages', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(ptBR).sort());
  });

  it('asks for the same parameters in both languages', () => {
    for (const [key, text] of Object.entries(ptBR)) {
      expect([key, paramsOf(en[key as keyof typeof ptBR])]).toEqual([key, paramsOf(text)]);
    }
  });

  it('says nothing that no screen says', () => {
    const code = Object.entries(sources)
      .filter(([path]) => !/i18n\/(\w+\.)?(pt-BR|en)\.ts$|\.test\./.test(path))
      .map(([, text]) => text)
      .join('\n');
    const silent = Object.keys(ptBR).filter((key) => {
      const inFamily = FAMILIES.some((family) => key.startsWith(`${family}.`));
      return !inFamily && !code.includes(`'${key}'`);
    });
    expect(silent).toEqual([]);
  });

  it('holds every Portuguese word the screens say: none is written into a component', () => {
    const components = Object.entries(sources).filter(([path]) => /(?<!test)\.tsx$/.test(path));
    const spoken = components.flatMap(([path, text]) =>
      wordsIn(text).map((words) => `${path}: ${words}`),
    );
    expect(components.length).toBeGreaterThan(20);
    expect(spoken).toEqual([]);
  });

  it.each([
    ['text', '<p>Sem dado</p>'],
    ['text beside a value', '<p>{count} linhas</p>'],
    ['a string in braces', "<p>{'Sem dado'}</p>"],
    ['one of two strings', "<p>{count ? 'Sem dado' : null}</p>"],
    ['a template', `<p>{\`\${count} linhas\`}</p>`],
    ['a label', '<button aria-label="Fechar" />'],
    ['a label in braces', `<input placeholder={\`Procurar \${name}\`} />`],
  ])('would notice %s written into a component', (_, element) => {
    expect(wordsIn(`const Told = () => ${element};`)).toHaveLength(1);
  });

  it('does not take code for words', () => {
    const code = `const Told = ({ period }: Props<string>) => (
      // Um comentário.
      <p className="large" lang="pt-BR" hidden={a.filter((one) => one <= period).length > 0}>
        {say('table.noData')}&nbsp;· {kind === 'country' ? <b /> : null}
        <code>make dados</code>
      </p>
    );`;
    expect(wordsIn(code)).toEqual([]);
  });

  it('fills parameters in place', () => {
    expect(sayIn('pt-BR')('hover.rank', { rank: 3, of: '5.564' })).toBe('3º de 5.564');
    expect(sayIn('en')('hover.rank', { rank: 3, of: '5,564' })).toBe('rank 3 of 5,564');
  });

  it('lets the address decide, then what the reader chose before, then Portuguese', () => {
    expect(languageOf(undefined)).toBe('pt-BR');
    keepLanguage('en');
    expect(languageOf(undefined)).toBe('en');
    expect(languageOf('pt-BR')).toBe('pt-BR');
    expect(languageOf('xx')).toBe('pt-BR');
  });
});
