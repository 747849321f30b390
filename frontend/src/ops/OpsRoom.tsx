import { Room, type Section } from './Room';

const SECTIONS: readonly Section[] = [
  ['/operacoes', 'room.now'],
  ['/operacoes/alertas', 'alert.list'],
  ['/operacoes/incidentes', 'incident.list'],
  ['/operacoes/runbooks', 'runbook.list'],
  ['/operacoes/fontes', 'ops.sources'],
  ['/operacoes/execucoes', 'ops.runs'],
  ['/operacoes/verificacoes', 'ops.checks'],
  ['/operacoes/fila', 'room.queue'],
  ['/operacoes/mortos', 'room.letters'],
  ['/operacoes/entregas', 'delivery.list'],
  ['/operacoes/chaves', 'room.keys'],
  ['/operacoes/auditoria', 'room.audit'],
  ['/operacoes/copias', 'room.backups'],
];

/** The rooms of operations. */
export function OpsRoom() {
  return <Room name="ops.title" sections={SECTIONS} letters="room.letters" />;
}
