import { useLanguage } from '../../i18n/language';
import { RoomLink } from '../RoomLink';
import { searchOfArguments } from './arguments';

/** To the runbook that answers, with its arguments filled in. */
export function RunbookLink(props: {
  runbook: string;
  arguments: Record<string, string>;
  /** For those who hear the link alone: which alert it answers. */
  about: string;
  className?: string | undefined;
}) {
  const { runbook, about, className } = props;
  const { say } = useLanguage();
  return (
    <RoomLink
      to="/operacoes/runbook/$"
      params={{ _splat: runbook }}
      search={searchOfArguments(props.arguments)}
      className={className}
    >
      {say('runbook.open', { name: runbook.replace(/^.*\//, '') })}
      <span className="visually-hidden">: {about}</span>
    </RoomLink>
  );
}
