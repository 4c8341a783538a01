import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ChannelCommandName, ChannelView } from '../../../../actors/client/schemas.js';
import { formatInterval, formatRoundTrip } from '../format.js';
import { api, mayI, now, site } from '../page.js';
import { isLate } from '../state/channel-list.js';
import { Age, StateMark } from './marks.js';

/** What makes sense in each state; the server has the last word. */
const COMMANDS: Readonly<Record<ChannelView['state'], readonly ChannelCommandName[]>> = {
  stopped: ['start'],
  connecting: ['pause', 'stop'],
  online: ['pause', 'stop'],
  backingOff: ['pause', 'stop'],
  faulted: ['reset', 'stop'],
  paused: ['resume', 'stop'],
};

/** One channel: how it is, its statistics, its last error, and the commands it takes. */
export function ChannelDetail({ channel }: { channel: ChannelView }) {
  const { stats } = channel;
  const { p50, p95, p99, max } = stats.roundTripMs;
  return (
    <div class="channel-detail">
      <div class="channel-title">
        <h2>
          {channel.name} <span class="dim">{channel.id}</span>
        </h2>
        <span>
          <StateMark state={channel.state} />{' '}
          <span class="dim">
            for <Age time={channel.since} />
          </span>
        </span>
        <span class="dim">
          {channel.protocol} {channel.address === channel.protocol ? '' : channel.address}
        </span>
        <span class="spring" />
        {mayI('operate') ? <Commands channel={channel} /> : null}
      </div>
      <dl class="facts">
        <Fact name="Last good">
          <Age time={stats.lastGoodAt} late={isLate(channel, now.value)} />
        </Fact>
        <Fact name="Poll every">{formatInterval(channel.pollingIntervalMs)}</Fact>
        <Fact name="Round trip p50 / p95 / p99 / max">{[p50, p95, p99, max].map(formatRoundTrip).join(' / ')} ms</Fact>
        <Fact name="Reads">{stats.totalReads}</Fact>
        <Fact name="Read errors">{stats.readErrors}</Fact>
        <Fact name="Link errors">{stats.connectionErrors}</Fact>
        <Fact name="Reconnects">{stats.reconnectCount}</Fact>
        <Fact name="Missed cycles">{stats.missedCycles}</Fact>
        <Fact name="Dropped values">{stats.droppedValues}</Fact>
      </dl>
      {stats.lastError === null ? null : (
        <p class={channel.state === 'online' ? 'last-error dim' : 'last-error'}>
          Last error <Age time={stats.lastErrorAt} /> ago: {stats.lastError}
        </p>
      )}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The commands; those that end the reading of values ask once more. */
function Commands({ channel }: { channel: ChannelView }) {
  const asked = useSignal<ChannelCommandName | undefined>(undefined);
  const busy = useSignal(false);
  const refusal = useSignal('');
  useEffect(() => {
    asked.value = undefined;
    refusal.value = '';
  }, [channel.id]);

  const send = async (command: ChannelCommandName) => {
    busy.value = true;
    refusal.value = '';
    asked.value = undefined;
    try {
      site.put(await api.commandChannel(channel.id, command));
    } catch (error) {
      refusal.value = `${command}: ${error instanceof Error ? error.message : String(error)}`;
    }
    busy.value = false;
  };
  return (
    <span class="commands">
      {refusal.value === '' ? null : (
        <span class="refusal" role="alert">
          {refusal.value}
        </span>
      )}
      {asked.value !== undefined ? (
        <>
          <span>Values will no longer be read.</span>
          <button type="button" class="danger" onClick={() => void send(asked.value as ChannelCommandName)}>
            {capital(asked.value)} channel {channel.id}
          </button>
          <button type="button" onClick={() => (asked.value = undefined)}>
            Cancel
          </button>
        </>
      ) : (
        COMMANDS[channel.state].map((command) => (
          <button
            key={command}
            type="button"
            disabled={busy.value || site.link.value.state === 'away'}
            onClick={() => {
              if (command === 'stop' || command === 'pause') asked.value = command;
              else void send(command);
            }}
          >
            {capital(command)}
          </button>
        ))
      )}
    </span>
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
