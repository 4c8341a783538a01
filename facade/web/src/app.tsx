import { useEffect } from 'preact/hooks';
import { ChannelDetail } from './components/channel-detail.js';
import { ChannelList } from './components/channel-list.js';
import { Header } from './components/header.js';
import { PointTable } from './components/point-table.js';
import { SignIn } from './components/sign-in.js';
import { TrendPanel } from './components/trend-panel.js';
import { isLive, route, selected, signedOut, site } from './page.js';

export function App() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = (event.target as Element | null)?.closest('input, textarea, dialog') !== null;
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      document.getElementById('channel-filter')?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  const channel = selected.value;
  if (signedOut.value) return <SignIn />;
  return (
    <>
      <Header />
      <main class={site.link.value.state === 'up' ? 'page' : 'page not-live'}>
        <ChannelList />
        <section class="detail" aria-label="Selected channel">
          {channel !== undefined ? (
            <>
              <ChannelDetail channel={channel} />
              <PointTable key={channel.id} dimmed={!isLive.value} />
              <TrendPanel />
            </>
          ) : (
            <NoChannel />
          )}
        </section>
      </main>
    </>
  );
}

function NoChannel() {
  const { channel } = route.value;
  const known = site.channels.value.length;
  if (site.link.value.state === 'connecting') return <p class="empty">Loading…</p>;
  if (site.link.value.state !== 'up' && known === 0)
    return <p class="empty">Nothing has been read from the server yet.</p>;
  if (known === 0) return <p class="empty">This site has no channels. They are configured in site.yaml.</p>;
  return <p class="empty">This site has no channel {channel}. Choose one from the list.</p>;
}
