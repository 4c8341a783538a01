import { formatAge, formatTime } from '../format.js';
import { now, site } from '../page.js';

const STATUS_MARKS = { healthy: '', degraded: '▲', unhealthy: '✕' } as const;

/** The site's name and health, and whether the page is live. */
export function Header() {
  const health = site.health.value;
  const link = site.link.value;
  const parts = Object.entries(health?.parts ?? {}).filter(([, part]) => part.status !== 'up');
  return (
    <>
      <header class="bar">
        <h1>{health?.site ?? 'Statewatt'}</h1>
        {health === undefined || link.state === 'away' ? null : (
          <span class={`health health-${health.status}`}>
            {STATUS_MARKS[health.status]} {health.status}
          </span>
        )}
        {link.state === 'away'
          ? null
          : parts.map(([name, part]) => (
              <span key={name} class={`part part-${part.status}`} title={part.detail}>
                {part.status === 'down' ? '✕' : '▲'} {name} {part.status}
              </span>
            ))}
        <span class="spring" />
        {health === undefined ? null : (
          <span class="dim">
            node {health.node}, {health.version}, up {formatAge(health.uptimeMs)}
          </span>
        )}
        <a href="/api/docs">API</a>
      </header>
      <div role="status">
        {link.state === 'away' ? (
          <p class="banner banner-away">
            <b class="letter">✕</b>
            <b>Server away</b> for {formatAge(now.value - link.since)}: {link.message}. What is shown is of{' '}
            {formatTime(link.since, now.value)} and not live. Trying again every two seconds.
          </p>
        ) : null}
        {link.state === 'refusing' ? (
          <p class="banner banner-refusing">
            <b class="letter">!</b>
            <b>The server cannot tell its channels</b> for {formatAge(now.value - link.since)}: {link.message} Trying
            again every two seconds.
          </p>
        ) : null}
      </div>
    </>
  );
}
