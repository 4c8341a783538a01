import { formatTime } from '../format.js';
import { accounts, me, meterEvents, now } from '../page.js';
import { describeEvent } from '../state/token-words.js';

/** What becomes of readings, as it happens. */
export function MeterEvents() {
  const events = meterEvents.events.value;
  const decimals = accounts.totals.value?.decimals ?? 0;
  const isLive = meterEvents.isLive.value;
  return (
    <section class="panel aside" aria-label="Live">
      <h2>As it happens</h2>
      {isLive ? null : (
        <p class="dim" role="status">
          Connecting: what happens is not told as it does. Lists are read again every ten seconds.
        </p>
      )}
      {events.length === 0 ? <p class="dim">{whatIsTold()}</p> : null}
      <ol class="journal" aria-label="Events, the newest first">
        {events.map(({ number, at, event }) => (
          <li key={number}>
            <time dateTime={new Date(at).toISOString()} class="dim">
              {formatTime(at, now.value)}
            </time>
            <span>
              {event.meter_id === null ? null : <b>{event.meter_id}</b>} {describeEvent(event, decimals)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** The server tells administrators of all readings, others of their own. */
function whatIsTold(): string {
  const known = me.value;
  if (known?.role === 'admin') return 'Readings that come, and what is minted of them, are told here.';
  return `Readings of meters of ${known?.name ?? 'you'} that come, and what is minted of them, are told here; those of others to administrators alone. Choose a reading to see it whole.`;
}
