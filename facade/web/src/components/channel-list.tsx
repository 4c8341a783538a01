import { useSignal } from '@preact/signals';
import { formatInterval } from '../format.js';
import { channelRoute, go, now, site } from '../page.js';
import {
  STATE_NAMES,
  countStates,
  filterChannels,
  isLate,
  type ChannelState,
  type StateFilter,
} from '../state/channel-list.js';
import { Age, StateMark } from './marks.js';
import { VirtualGrid } from './virtual-grid.js';

/** All channels of the site, filtered by text and by state. */
export function ChannelList() {
  const text = useSignal('');
  const state = useSignal<StateFilter>('all');
  const all = site.channels.value;
  const counts = countStates(all);
  const shown = filterChannels(all, text.value, state.value);
  const choose = (chosen: StateFilter) => {
    state.value = state.value === chosen ? 'all' : chosen;
  };
  return (
    <section class="channels" aria-label="Channels">
      <div class="tools">
        <input
          data-filter
          type="search"
          placeholder="Filter channels ( / )"
          aria-label="Filter channels by id, name, protocol, address or state"
          autocomplete="off"
          spellcheck={false}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') text.value = '';
            if (event.key !== 'ArrowDown') return;
            event.preventDefault();
            document.querySelector<HTMLElement>('.grid-channels .grid-body')?.focus();
          }}
        />
        <span class="dim" role="status">
          {shown.length === all.length ? `${all.length}` : `${shown.length} of ${all.length}`}
        </span>
      </div>
      <div class="chips" role="group" aria-label="Filter by state">
        {(Object.keys(STATE_NAMES) as ChannelState[])
          .filter((name) => counts[name] > 0 || state.value === name)
          .map((name) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-pressed={state.value === name}
              onClick={() => choose(name)}
            >
              <StateMark state={name} /> {counts[name]}
            </button>
          ))}
      </div>
      <VirtualGrid
        id="channels"
        label="Channels"
        headings={['State', 'Id', 'Name', 'Last good', 'Poll', 'Errors']}
        rows={shown}
        rowKey={(channel) => String(channel.id)}
        selected={channelRoute.value.channel === undefined ? undefined : String(channelRoute.value.channel)}
        onSelect={(channel) => {
          if (channel.id !== channelRoute.value.channel)
            go({ page: 'channels', channel: channel.id, point: undefined });
        }}
        empty={all.length === 0 ? 'No channels.' : 'No channel matches the filter.'}
        render={(channel) => (
          <>
            <span role="gridcell">
              <StateMark state={channel.state} />
            </span>
            <span role="gridcell" class="number">
              {channel.id}
            </span>
            <span role="gridcell" class="text" title={`${channel.name}, ${channel.protocol}, ${channel.address}`}>
              {channel.name}
            </span>
            <span role="gridcell" class="number">
              <Age time={channel.stats.lastGoodAt} late={isLate(channel, now.value)} />
            </span>
            <span role="gridcell" class="number dim">
              {formatInterval(channel.pollingIntervalMs)}
            </span>
            <span role="gridcell" class="number dim">
              {channel.stats.readErrors + channel.stats.connectionErrors}
            </span>
          </>
        )}
      />
    </section>
  );
}
