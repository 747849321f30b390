import type { Source } from '../../api/watchTypes';
import { RoomLink } from '../RoomLink';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { stateOfSource } from './judge';

/** A source's state in shape and words. */
export function useStanding() {
  const words = useWords();
  return (source: Source) => (
    <>
      <StateMark state={stateOfSource(source)} />{' '}
      <small>
        {source.status === 'planned' || source.status === 'retired'
          ? words('ops.connector', source.status)
          : words('source.state', source.state)}
      </small>
    </>
  );
}

export function SourceName({ source: { connector, source } }: { source: Source }) {
  return (
    <>
      <RoomLink to="/operacoes/fontes/$name" params={{ name: connector }}>
        {connector}
      </RoomLink>{' '}
      <small>{source}</small>
    </>
  );
}
