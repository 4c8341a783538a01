import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { StatewattError } from '../../errors/error.js';
import { createHttpFacade, type HttpFacade } from '../../facade/http/server.js';
import { WEB_ROOT } from '../../facade/web-root.js';
import { findChromium, launchChromium } from '../support/browser.js';
import { FakeClient } from '../support/fake-client.js';
import { eventually, freePort } from '../support/temp.js';

const POWER = '#points-T\\:1';
const LIMIT = '#points-A\\:1';

describe('web page', function () {
  this.timeout(60_000);
  let browser: Browser;
  let client: FakeClient;
  let facade: HttpFacade;
  let url: string;
  let port: number;
  let page: Page;
  /** What the browser complained about. */
  let complaints: string[];

  before(async function () {
    const chromium = findChromium();
    if (chromium === undefined) {
      console.log('    The page is not tested: no chromium on PATH.');
      this.skip();
    }
    browser = await launchChromium(chromium);
  });
  after(() => browser?.close());

  async function open({ channels = 3, hash = '' } = {}): Promise<void> {
    client = new FakeClient({ channels });
    port = await freePort();
    facade = createHttpFacade({ client, port, webRoot: WEB_ROOT });
    url = await facade.listen();
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`${url}/${hash}`);
  }
  afterEach(async () => {
    await page?.close();
    await facade?.close();
  });

  const text = (selector: string, cell: string) => page.locator(`${selector} ${cell}`).textContent();
  const until = (what: string, ask: () => Promise<boolean>) =>
    eventually(async () => ((await ask()) ? true : undefined), { what, within: 20_000 });

  it('shows the first channel and its values as they change, with nothing from elsewhere', async () => {
    await open();
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) foreign.push(request.url());
    });
    await page.locator(POWER).waitFor();
    await until('title', async () => (await page.title()).startsWith('Test site'));
    assert.equal(await text('#channels-1001', '.state'), 'online');
    const before = await text(POWER, '.value');
    client.tick(1000);
    await until('a new value', async () => (await text(POWER, '.value')) !== before);
    const point = await client.point(1001, 'T', 1);
    assert.equal(await text(POWER, '.value'), (point.value as number).toFixed(3));
    await page.reload();
    await page.locator(POWER).waitFor();
    assert.deepEqual(foreign, []);
    assert.deepEqual(complaints, []);
  });

  it('tells a lost device by letter and words, not by colour alone', async () => {
    await open();
    await page.locator(POWER).waitFor();
    client.change(1001, { state: 'backingOff' });
    await page.getByText('retrying for').waitFor();
    await page.reload();
    await page.locator(`${POWER} .quality-stale .letter`).waitFor();
    assert.equal(await text(POWER, '.quality'), 'Sstale');
    assert.deepEqual(complaints, []);
  });

  it('filters channels by text and state, and is used with the keyboard alone', async () => {
    await open({ channels: 30 });
    client.change(1017, { state: 'faulted' });
    const rows = page.locator('.grid-channels .row');
    const faulted = page.getByRole('button', { name: 'faulted 1' });
    await faulted.click();
    await until('rows', async () => (await page.locator('.grid-channels .row').count()) === 1);
    assert.equal(await rows.first().getAttribute('id'), 'channels-1017');
    await faulted.click();

    await page.keyboard.press('/');
    await page.keyboard.type('meter 102');
    await until('rows', async () => (await page.locator('.grid-channels .row').count()) === 10);
    await page.keyboard.press('ArrowDown'); // into the list
    await page.keyboard.press('ArrowDown'); // to its first row
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Meter 1021' }).waitFor();
    assert.match(page.url(), /#\/1021/);
    assert.deepEqual(complaints, []);
  });

  it('draws a trend with its gap, zooms by drag and comes back to live', async () => {
    await open({ hash: '#/1002/T:2' });
    const chart = page.getByRole('img', { name: /^Trend of Voltage L1 .* 1 gap$/ });
    await chart.waitFor();
    await page.getByRole('button', { name: '1 d' }).click();
    await page.getByText('means of 1 h').waitFor();
    // Wait for the canvas that was just drawn, then drag over a quarter of it.
    const box = await chart.boundingBox();
    assert.ok(box !== null);
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.75, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.85, y, { steps: 5 });
    await page.mouse.up();
    await page.getByText('means of 1 min').waitFor();
    await page.getByRole('button', { name: 'Back to live' }).click();
    await page.getByRole('button', { name: 'Back to live' }).waitFor({ state: 'detached' });
    assert.deepEqual(complaints, []);
  });

  it('writes a point after confirmation and shows what the device answered', async () => {
    await open();
    await page.locator(`${LIMIT} button`).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('60,5');
    await page.keyboard.press('Enter');
    await dialog.getByText('→').waitFor();
    assert.equal((await client.point(1001, 'A', 1)).value, 50, 'nothing is written before it is confirmed');
    await dialog.getByRole('button', { name: 'Write 60.500 kW' }).click();
    await dialog.getByText('Device answered ok').waitFor();
    await dialog.getByText('reads back 60.500 kW, confirmed').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    assert.equal((await client.point(1001, 'A', 1)).value, 60.5);
    await until('the new limit', async () => (await text(LIMIT, '.value')) === '60.500');
    assert.deepEqual(complaints, []);
  });

  it('shows a refused write in the words of the server', async () => {
    await open();
    await page.locator(LIMIT).click(); // chosen, so that the keyboard acts on it
    await page.locator('.grid-points .grid-body').focus();
    await page.keyboard.press('w');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Allowed: 0 to 100 kW').waitFor();
    await dialog.getByRole('textbox').fill('1000');
    await page.keyboard.press('Enter');
    await dialog.getByText('1000 is outside the limits').waitFor();
    client.write = () =>
      Promise.reject(new StatewattError('points.out_of_range', 'invalid', 'The limits have changed.'));
    await dialog.getByRole('textbox').fill('80');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: /^Write/ }).click();
    await dialog.getByText('points.out_of_range').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await client.point(1001, 'A', 1)).value, 50);
  });

  it('asks before it stops a channel', async () => {
    await open();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    assert.equal((await client.channel(1001)).state, 'online');
    await page.getByRole('button', { name: 'Stop channel 1001' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor();
    assert.equal((await client.channel(1001)).state, 'stopped');
  });

  it('says that the server is away, and comes back by itself', async () => {
    await open();
    await page.locator(POWER).waitFor();
    await facade.close();
    await page.getByText('Server away').waitFor();
    assert.equal(await page.locator('main.not-live').count(), 1);

    facade = createHttpFacade({ client, port, webRoot: WEB_ROOT });
    await facade.listen();
    await page.getByText('Server away').waitFor({ state: 'detached' });
    await page.locator('.not-live').first().waitFor({ state: 'detached' });
    const before = await text(POWER, '.value');
    client.tick(1000);
    await until('a new value', async () => (await text(POWER, '.value')) !== before);
  });

  it('says why when the server cannot tell its channels', async () => {
    await open();
    await page.locator(POWER).waitFor();
    client.channels = () =>
      Promise.reject(new StatewattError('client.unavailable', 'unavailable', 'The bus cannot be reached.'));
    await page.getByText('The bus cannot be reached.').waitFor();
  });

  it('draws only what is seen of 1,000 channels', async () => {
    await open({ channels: 1000 });
    await page.locator('#channels-1001').waitFor();
    assert.ok((await page.locator('.grid-channels .row').count()) < 60);
    await page.locator('.grid-channels .grid-body').focus();
    await page.keyboard.press('End');
    await page.locator('#channels-2000.cursor').waitFor();
    assert.deepEqual(complaints, []);
  });
});
