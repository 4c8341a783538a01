import { channelRoute, isLive, selected, site } from '../page.js';
import { ChannelDetail } from './channel-detail.js';
import { ChannelList } from './channel-list.js';
import { PointTable } from './point-table.js';
import { TrendPanel } from './trend-panel.js';

/** The channels of the site; of the selected one its points and a trend. */
export function ChannelsPage() {
  const channel = selected.value;
  return (
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
  );
}

function NoChannel() {
  const { channel } = channelRoute.value;
  const known = site.channels.value.length;
  if (site.link.value.state === 'connecting') return <p class="empty">Loading…</p>;
  if (site.link.value.state !== 'up' && known === 0)
    return <p class="empty">Nothing has been read from the server yet.</p>;
  if (known === 0) return <p class="empty">This site has no channels. They are configured in site.yaml.</p>;
  return <p class="empty">This site has no channel {channel}. Choose one from the list.</p>;
}
