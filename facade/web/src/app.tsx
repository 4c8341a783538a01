import { useEffect } from 'preact/hooks';
import { AlarmsPage } from './components/alarms-page.js';
import { ChannelsPage } from './components/channels-page.js';
import { Header } from './components/header.js';
import { ModelsPage } from './components/models-page.js';
import { RulesPage } from './components/rules-page.js';
import { SignIn } from './components/sign-in.js';
import { TokensPage } from './components/tokens-page.js';
import { pageName, signedOut } from './page.js';

export function App() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = (event.target as Element | null)?.closest('input, textarea, select, dialog') !== null;
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      document.querySelector<HTMLElement>('[data-filter]')?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  if (signedOut.value) return <SignIn />;
  return (
    <>
      <Header />
      <Shown />
    </>
  );
}

function Shown() {
  const page = pageName.value;
  if (page === 'alarms') return <AlarmsPage />;
  if (page === 'rules') return <RulesPage />;
  if (page === 'models') return <ModelsPage />;
  if (page === 'tokens') return <TokensPage />;
  if (page === 'channels') return <ChannelsPage />;
  return <p class="empty">Loading…</p>;
}
