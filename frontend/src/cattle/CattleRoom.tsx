import { Room, type Section } from '../ops/Room';

const SECTIONS: readonly Section[] = [
  ['/metrics-dashboard', 'cattle.metrics'],
  ['/etl-operations', 'cattle.operations'],
  ['/confinamento/desvios', 'cattle.deviations'],
];

/** The feedlot: how its files fare, what is to be done about them, and what they say. */
export function CattleRoom() {
  return <Room name="cattle.title" sections={SECTIONS} />;
}
