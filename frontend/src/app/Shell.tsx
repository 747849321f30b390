import { ActionIcon, Button, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { Link, Outlet, useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { keepLanguage, LanguageProvider, languageOf, useLanguage } from '../i18n/language';
import { OriginProvider } from '../origin/OriginDrawer';
import type { Search } from '../view/address';
import styles from './Shell.module.css';

function ThemeButton() {
  const { say } = useLanguage();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      variant="subtle"
      size="lg"
      aria-label={say(other === 'dark' ? 'app.theme.toDark' : 'app.theme.toLight')}
      onClick={() => setColorScheme(other)}
    >
      <span aria-hidden="true">{other === 'dark' ? '☾' : '☀'}</span>
    </ActionIcon>
  );
}

function LanguageButton() {
  const { say, language } = useLanguage();
  const navigate = useNavigate();
  const other = language === 'en' ? 'pt-BR' : 'en';
  return (
    <Button
      variant="subtle"
      size="compact-sm"
      lang={other}
      onClick={() => {
        keepLanguage(other);
        void navigate({
          to: '.',
          replace: true,
          resetScroll: false,
          search: ({ lang: _, ...rest }: Search) =>
            other === 'en' ? { ...rest, lang: other } : rest,
        });
      }}
    >
      {say('app.language.other')}
    </Button>
  );
}

const COPIED_MS = 2000;

function CopyLink() {
  const { say } = useLanguage();
  // Not CopyButton: the address changes without this button being drawn again.
  const clipboard = useClipboard({ timeout: COPIED_MS });
  return (
    <Button
      variant="subtle"
      size="compact-sm"
      className={styles.copy}
      onClick={() => clipboard.copy(location.href)}
    >
      {say(clipboard.copied ? 'app.copied' : 'app.copyLink')}
    </Button>
  );
}

/** The feedlot's printed addresses, none of them below another. */
const CATTLE = /^\/(metrics-dashboard|etl-operations|confinamento)(\/|$)/;

function Header() {
  const { say } = useLanguage();
  const { pathname } = useLocation();
  const keep = ({ lang }: Search): Search => (lang ? { lang } : {});
  return (
    <header className={styles.header}>
      <a href="#conteudo" className={styles.skip}>
        {say('app.skip')}
      </a>
      <Link to="/" search={keep} className={styles.brand}>
        {say('app.name')} <span className={styles.tagline}>{say('app.tagline')}</span>
      </Link>
      <nav aria-label={say('app.nav')} className={styles.nav}>
        <Link to="/" search={keep} activeOptions={{ exact: true, includeSearch: false }}>
          {say('app.map')}
        </Link>
        <Link to="/territorio/$id" params={{ id: 'BR' }} search={keep}>
          {say('app.brazil')}
        </Link>
        <Link
          to="/metrics-dashboard"
          search={keep}
          {...(CATTLE.test(pathname) && { 'aria-current': 'page' as const })}
        >
          {say('app.cattle')}
        </Link>
        <Link to="/equivalencia" search={keep}>
          {say('app.equivalence')}
        </Link>
        <Link to="/operacoes" search={keep}>
          {say('app.operations')}
        </Link>
      </nav>
      <div className={styles.tools}>
        <CopyLink />
        <LanguageButton />
        <ThemeButton />
      </div>
    </header>
  );
}

/** Landmarks, language and the drawer of origins, around every screen. */
export function Shell() {
  const search: Search = useSearch({ strict: false });
  return (
    <LanguageProvider language={languageOf(search.lang)}>
      <OriginProvider>
        <Header />
        <main id="conteudo" tabIndex={-1} className={styles.main}>
          <Outlet />
        </main>
      </OriginProvider>
    </LanguageProvider>
  );
}
