import { site } from '../page.js';
import { AlarmDetail } from './alarm-detail.js';
import { AlarmFigures } from './alarm-figures.js';
import { AlarmList } from './alarm-list.js';

/** The alarm console. */
export function AlarmsPage() {
  return (
    <main class={site.link.value.state === 'up' ? 'console' : 'console not-live'}>
      <div class="console-main">
        <AlarmFigures />
        <AlarmList />
      </div>
      <AlarmDetail />
    </main>
  );
}
