import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useEffectEvent, useRef } from 'react';
import { forgetKey } from '../api/key';
import { signIn } from '../api/opsQueries';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import styles from './Room.module.css';

/** Takes the secret out of the address, so that neither history nor a copied address keeps it. */
function takeLink(): string {
  const link = location.hash.slice(1);
  history.replaceState(history.state, '', location.pathname + location.search);
  return link;
}

/** Where a one-time address leads: the browser is signed in and goes on to the operations. */
export function SignInPage() {
  const { say } = useLanguage();
  const client = useQueryClient();
  const navigate = useNavigate();
  // The link is good once: it must be sent once, whatever draws this page again.
  const sent = useRef(false);
  const { mutate, error } = useMutation({
    mutationFn: signIn,
    onSuccess: async () => {
      forgetKey(); // a key of this tab would speak louder than the session
      await client.resetQueries({ queryKey: ['ops'] });
      await navigate({ to: '/operacoes', replace: true });
    },
  });
  const begin = useEffectEvent(() => {
    if (sent.current) return;
    sent.current = true;
    mutate(takeLink());
  });
  useEffect(() => begin(), []);
  return (
    <div className={styles.room}>
      <div className={styles.bar}>
        <h1>{say('signIn.title')}</h1>
      </div>
      {error ? (
        <>
          <Refusal error={error} />
          <p>{say('signIn.again')}</p>
          <pre>.venv/bin/atalaia sign-in</pre>
          <p>
            <Link to="/operacoes">{say('signIn.withKey')}</Link>
          </p>
        </>
      ) : (
        <Waiting lines={3} />
      )}
    </div>
  );
}
