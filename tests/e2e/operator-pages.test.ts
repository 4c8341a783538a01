import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { RunningNode } from '../../node/node.js';
import { findChromium, launchChromium } from '../support/browser.js';
import { startTestNode, virtualChannel } from '../support/node.js';
import { eventually, tempFolder } from '../support/temp.js';
import { openWebPage } from '../support/web.js';

const PASSWORD = 'correct horse battery';
const SITE = `
site: Hall 3
channels:${virtualChannel(1, { name: 'Battery' })}
rules:
  - id: limit_high
    name: Limit too high
    condition: 1:A:1 > 90
    actions:
      - { type: alarm, level: Major, title: Limit above 90 kW, group: battery }
models:
  - id: pack
    name: Battery pack
    template: battery_system
    parameters: { capacity: 10000, charge_power: 5000, discharge_power: 5000 }
    points: { active_power: { point: 1:T:1, scale: 1000 } }
  - { id: breaker, name: Main breaker, template: circuit_breaker, parent: pack }
`;

describe('web page: alarms, rules and models of a running node', function () {
  this.timeout(60_000);
  let browser: Browser;
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;
  let page: Page;
  let complaints: string[];

  before(async function () {
    const chromium = findChromium();
    if (chromium === undefined) {
      console.log('    The pages are not tested: no chromium on PATH.');
      this.skip();
    }
    folder = await tempFolder();
    await writeFile(join(folder.path, 'site.yaml'), SITE);
    [browser, { node }] = await Promise.all([launchChromium(chromium), startTestNode(folder.path)]);
  });
  after(async () => {
    await browser?.close();
    await node?.stop();
    await folder?.remove();
  });
  const open = async (hash: string) => {
    ({ page, complaints } = await openWebPage(browser, `${node.url}/${hash}`));
  };
  afterEach(async () => {
    await page?.context().close();
  });

  it('shows an alarm as it comes, acknowledges and shelves it with a name, and its history', async () => {
    await open('');
    await page.getByRole('link', { name: 'Alarms' }).click();
    await page.getByText('No alarm matches.').waitFor();
    await node.client.alarms.raise({ source: '1:T:1', title: 'Hot spot', level: 'Critical', group: 'battery' });
    await node.client.alarms.raise({ source: 'fan', title: 'Fan slow', level: 'Warning', group: 'battery' });
    const rows = page.locator('.grid-alarms .row');
    await rows.nth(1).waitFor();
    assert.match((await rows.first().textContent()) ?? '', /Critical.*new.*Hot spot/);

    await rows.first().click();
    await page.getByRole('heading', { name: 'Hot spot' }).waitFor();
    await page.locator('.grid-alarms .grid-body').focus();
    await page.keyboard.press('a');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Your name').fill('ann');
    await dialog.getByLabel('Note').fill('on my way');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    const history = page.getByRole('list', { name: /History/ });
    await history.getByText('acknowledged by ann').waitFor();
    await history.getByText('on my way').waitFor();

    await page.getByRole('button', { name: 'Shelve…' }).click();
    assert.equal(await dialog.getByLabel('Your name').inputValue(), 'ann', 'the name is remembered');
    await dialog.getByLabel('For').selectOption({ label: '8 hours' });
    await dialog.getByRole('button', { name: 'Shelve' }).click();
    await page.getByText('Hidden by ann until').waitFor();
    await page.getByText('1 alarms').waitFor(); // hidden: no longer in the list of what stands
    assert.deepEqual(complaints, []);
  });

  it('finds alarms by text and state, with the keyboard alone', async () => {
    await open('#/alarms');
    await page.locator('.grid-alarms .row').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('no such');
    await page.getByText('No alarm matches.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^shelved 1/ }).click();
    await page.locator('.grid-alarms .row', { hasText: 'Hot spot' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.press('ArrowDown'); // into the list
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Fan slow' }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it('shows a rule, what it has done, and tries it on the past', async () => {
    await open('#/rules');
    await page.locator('#rules-limit_high').click();
    await page.getByText('1:A:1 > 90').last().waitFor();
    await node.client.write({ channel: 1, kind: 'A', id: 1, value: 95 });
    const runs = page.getByRole('list', { name: /Last runs/ });
    await runs.getByText('fired').waitFor();
    await runs.getByText('done: alarm').first().waitFor();
    await page.getByRole('button', { name: 'Evaluate now…' }).click();
    await page.getByRole('button', { name: 'Evaluate now' }).click();
    await page.getByText('The condition is true').waitFor();
    await page.getByRole('button', { name: 'Dry run of last week' }).click();
    await page.getByText('Would have fired').waitFor();
    await page.getByRole('button', { name: 'Disable…' }).click();
    await page.getByRole('button', { name: 'Disable', exact: true }).click();
    await page.locator('#rules-limit_high .rule-disabled').waitFor();
    assert.deepEqual(complaints, []);
  });

  it('shows the tree of models, values as they change, a trend, and writes after confirmation', async () => {
    await open('#/models');
    const tree = page.locator('.grid-models');
    await tree.getByText('Main breaker').waitFor();
    await tree.locator('.grid-body').focus();
    await page.keyboard.press('ArrowDown'); // battery
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft'); // closes the pack
    await tree.getByText('Main breaker').waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Battery pack' }).waitFor();
    const power = page.locator('#model-points-active_power');
    const before = await power.locator('.value').textContent();
    await eventually(async () => ((await power.locator('.value').textContent()) !== before ? true : undefined));
    await power.click();
    await page.getByRole('img', { name: /^Trend of .* min \d/ }).waitFor();

    await page.goto(`${node.url}/#/models/breaker`);
    const point = page.locator('.grid-model-points .row', { hasText: 'Write…' }).first();
    await point.getByRole('button', { name: 'Write…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'On…' }).click();
    await dialog.getByRole('button', { name: 'Write on' }).click();
    await dialog.getByText('Device answered held').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.locator('.grid-model-points .value', { hasText: 'on' }).first().waitFor();
    assert.deepEqual(complaints, []);
  });

  // The last one: from here on everybody has to sign in.
  it('offers a viewer nothing to do, and signs out', async () => {
    const { access } = node.client;
    await access.createUser({ name: 'root', role: 'admin', password: PASSWORD });
    await access.createUser({ name: 'vic', role: 'viewer', password: PASSWORD });
    await open('#/alarms');
    await page.getByLabel('Name').fill('vic');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByText('vic, viewer').waitFor();
    await page.locator('.grid-alarms .row', { hasText: 'Fan slow' }).click();
    await page.getByRole('heading', { name: 'Fan slow' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /…$/ }).count(), 0);
    await page.goto(`${node.url}/#/rules/limit_high`);
    await page.getByRole('button', { name: 'Dry run of last week' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /…$/ }).count(), 0);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Password').waitFor();
  });
});
