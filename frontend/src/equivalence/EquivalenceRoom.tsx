import { Room, type Section } from '../ops/Room';

const SECTIONS: readonly Section[] = [
  ['/equivalencia', 'eq.try'],
  ['/equivalencia/lotes', 'eq.batches'],
  ['/equivalencia/avaliacoes', 'eq.evaluations'],
  ['/equivalencia/regras', 'eq.rules'],
  ['/equivalencia/clientes', 'eq.tenants'],
];

/** Does one subject count for another: asked, asked in bulk, audited, and by which rules. */
export function EquivalenceRoom() {
  return <Room name="eq.title" sections={SECTIONS} />;
}
