import type { AlertName } from '../../api/watchTypes';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { stateOfAlert } from './judge';

/** Shape, word and colour of an alert, with its severity in a word. */
export function AlertMark({ alert }: { alert: Pick<AlertName, 'shown' | 'severity'> }) {
  const words = useWords();
  return (
    <>
      <StateMark state={stateOfAlert(alert)} /> <small>{words('severity', alert.severity)}</small>
    </>
  );
}
