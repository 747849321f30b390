import type { Role } from '../api/opsTypes';
import { useLanguage } from '../i18n/language';
import { useRoom } from './room';
import { StateMark } from './StateMark';
import { useWords } from './words';

/** Said instead of asking for what would be refused: whose role it takes, and how to get it. */
export function NeedsRole({ least }: { least: Role }) {
  const { say } = useLanguage();
  const words = useWords();
  const { viewer } = useRoom();
  return (
    <section>
      <p>
        <StateMark state="unknown" />{' '}
        {say('room.needsRole', {
          least: words('role', least),
          role: words('role', viewer.role),
        })}
      </p>
      <p>{say('room.needsRole.how')}</p>
      <pre>.venv/bin/atalaia sign-in --role {least}</pre>
    </section>
  );
}
