import { formatAge, formatTime } from '../format.js';
import { alarms, me, now, pageName, seesPlant, site } from '../page.js';
import type { PageName } from '../route.js';
import { SignOut } from './sign-in.js';

const STATUS_MARKS = { healthy: '', degraded: '▲', unhealthy: '✕' } as const;

const PAGES: readonly { page: PageName; label: string; href: string }[] = [
  { page: 'channels', label: 'Channels', href: '#/' },
  { page: 'alarms', label: 'Alarms', href: '#/alarms' },
  { page: 'rules', label: 'Rules', href: '#/rules' },
  { page: 'models', label: 'Models', href: '#/models' },
  { page: 'tokens', label: 'Tokens', href: '#/tokens' },
];

/** The site's name and health, and whether the page is live; to owners of meters nothing of the plant. */
export function Header() {
  const health = site.health.value;
  const link = site.link.value;
  const isPlant = seesPlant.value === true;
  const parts = Object.entries((isPlant ? health?.parts : undefined) ?? {}).filter(([, part]) => part.status !== 'up');
  const pages = seesPlant.value === undefined ? [] : PAGES.filter(({ page }) => isPlant || page === 'tokens');
  return (
    <>
      <header class="bar">
        <h1>{health?.site ?? 'Statewatt'}</h1>
        <nav aria-label="Pages">
          {pages.map(({ page, label, href }) => (
            <a key={page} href={href} aria-current={pageName.value === page ? 'page' : undefined}>
              {label}
              {page === 'alarms' ? <Standing /> : null}
            </a>
          ))}
        </nav>
        {health === undefined || !isPlant || link.state === 'away' ? null : (
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
        {health === undefined || !isPlant ? null : (
          <span class="dim">
            node {health.node}, {health.version}, up {formatAge(health.uptimeMs)}
          </span>
        )}
        {me.value?.via === 'user' ? <SignOut name={me.value.name} role={me.value.role} /> : null}
        {isPlant ? <a href="/api/docs">API</a> : null}
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
            <b>{isPlant ? 'The server cannot tell its channels' : 'The server refuses'}</b> for{' '}
            {formatAge(now.value - link.since)}: {link.message} Trying again every two seconds.
          </p>
        ) : null}
      </div>
    </>
  );
}

/** How many alarms wait for somebody, and whether they come faster than anybody can read them. */
function Standing() {
  const statistics = alarms.statistics.value;
  if (statistics === undefined) return null;
  const { byState, raisedPer10Minutes } = statistics;
  const waiting = (byState.unacknowledged ?? 0) + (byState.returned ?? 0);
  return (
    <>
      {waiting === 0 ? null : (
        <b class="count" title={`${waiting} not acknowledged`}>
          {waiting}
        </b>
      )}
      {raisedPer10Minutes.flood ? <b class="flood"> flood</b> : null}
    </>
  );
}
