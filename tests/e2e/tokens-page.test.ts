import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { RunningNode } from '../../node/node.js';
import { findChromium, launchChromium } from '../support/browser.js';
import { newWallets } from '../support/chain.js';
import { startTestNode } from '../support/node.js';
import { SigningMeter } from '../support/signed-readings.js';
import { eventually, tempFolder } from '../support/temp.js';
import { openWebPage } from '../support/web.js';

const PASSWORD = 'correct horse battery';
const PATIENCE = { within: 30_000 };
/** The address of a program: no wallet that anybody has the key of. */
const NO_WALLET = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';
const SITE = `
site: Hall 3
channels: []
tokenization: { polling_interval_secs: 1, batch_size: 10, anomaly_min_readings: 2 }
`;

describe('web page: readings and tokens of a running node', function () {
  this.timeout(60_000);
  let browser: Browser;
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;
  let page: Page;
  let complaints: string[];
  /** What the server refused, that the page asked for. */
  let refused: string[];
  const from = Date.now() - 48 * 3_600_000;
  const [ofAnna, ofBob] = [new SigningMeter('M.anna', from), new SigningMeter('M.bob', from)];

  before(async function () {
    const chromium = findChromium();
    if (chromium === undefined) {
      console.log('    The page is not tested: no chromium on PATH.');
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
  const open = async (hash: string, size = {}) => {
    ({ page, complaints } = await openWebPage(browser, `${node.url}/${hash}`, size));
    refused = [];
    page.on('response', (response) => {
      if (response.status() === 403) refused.push(response.url());
    });
  };
  afterEach(async () => {
    await page?.context().close();
  });
  const row = (grid: string, text: string) => page.locator(`.grid-${grid} .row`, { hasText: text });

  it('says what to do while there are no meters, and shows readings as they come and are minted', async () => {
    await open('');
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByText('This site has no meters.').waitFor();
    await page.getByText('Readings that come, and what is minted of them, are told here.').waitFor();
    const { metering } = node.client;
    const [wallet = ''] = newWallets(1);
    await metering.register({ id: ofAnna.id, publicKey: ofAnna.publicKey, wallet, user: 'anna' });
    await metering.register({ id: ofBob.id, publicKey: ofBob.publicKey, wallet: NO_WALLET, user: 'bob' });
    const readings = [ofAnna.next('1.5'), ofAnna.next('1.25'), ofAnna.next('90'), ofBob.next('2')];
    const { accepted, held } = await metering.submit(readings);
    assert.deepEqual([accepted, held], [3, 1]);
    const live = page.getByRole('list', { name: /^Events/ });
    await live.getByText('90 kWh held for a person').waitFor();
    await live.getByText('1.5 kWh minted: 1.5 tokens').waitFor();
    const totals = page.getByRole('region', { name: 'Totals' });
    await totals.getByText('2.75 tokens').waitFor();
    await totals.getByText('1 batch is parked').waitFor();
    await row('accounts', 'M.anna').getByText('H 1').waitFor();
    assert.deepEqual(complaints, []);
  });

  it('shows the ledger of one, why a reading is not minted, and finds accounts with the keyboard alone', async () => {
    await open('#/tokens/user');
    await row('accounts', 'bob').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('ANN');
    await eventually(
      async () => ((await page.locator('.grid-accounts .row').count()) === 1 ? true : undefined),
      PATIENCE,
    );
    await page.keyboard.press('ArrowDown'); // into the list
    await page.keyboard.press('ArrowDown'); // to its first row
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'User anna' }).waitFor();
    await eventually(
      async () => ((await page.locator('.grid-readings .row').count()) === 3 ? true : undefined),
      PATIENCE,
    );
    const csv = page.waitForEvent('download');
    await page.getByRole('link', { name: 'CSV' }).click();
    assert.equal((await csv).suggestedFilename(), 'ledger.csv');
    await row('readings', '1.25').click();
    const one = page.getByRole('region', { name: 'Selected reading' });
    await one.getByText('Its tokens are in the wallet.').waitFor();
    const { readings } = await node.client.ledger.readings({ user: 'anna', status: 'minted' });
    await one
      .getByText(readings[0]?.signature ?? '?')
      .first()
      .waitFor();
    await one.getByText('Fee paid').waitFor();

    await page.goto(`${node.url}/#/tokens/meter/M.bob`);
    await row('readings', 'failed').waitFor();
    assert.match((await row('readings', 'failed').textContent()) ?? '', /2.*failed.*wallet/);
    assert.deepEqual([complaints, refused], [[], []]);
  });

  it('decides about a held reading, and retries a parked batch, after it has asked', async () => {
    await open('#/tokens');
    await page.getByRole('button', { name: '1 reading is held' }).click();
    await row('readings', 'held').click();
    const one = page.getByRole('region', { name: 'Selected reading' });
    await one.getByText('Held at').waitFor();
    await one.getByRole('button', { name: 'Let it through…' }).click();
    const dialog = page.getByRole('dialog');
    assert.equal((await node.client.ledger.totals({})).held.readings, 1, 'nothing is done before it is confirmed');
    await dialog.getByLabel('Your name').fill('ann');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await one.getByText('Its tokens are in the wallet.').waitFor();

    await page.getByRole('button', { name: '1 batch is parked' }).click();
    await page.locator('.grid-batches .row.waiting').click();
    const batch = page.getByRole('region', { name: 'Selected batch' });
    await batch.getByText('It is not tried again by itself.').waitFor();
    const { open: parked } = await node.client.minting.view();
    await batch.getByRole('button', { name: 'Retry now…' }).click();
    await dialog.getByRole('button', { name: 'Retry now' }).click();
    await dialog.waitFor({ state: 'detached' });
    const again = async () => {
      const { state, since } = await node.client.minting.batch(parked[0]?.id ?? '');
      return state === 'parked' && since > (parked[0]?.since ?? 0) ? true : undefined;
    };
    await eventually(again, { ...PATIENCE, what: 'tried again and parked again' });
    assert.deepEqual([complaints, refused], [[], []]);
  });

  // The last ones: from here on everybody has to sign in.
  it('offers a viewer nothing to do', async () => {
    const { access } = node.client;
    await access.createUser({ name: 'root', role: 'admin', password: PASSWORD });
    await access.createUser({ name: 'vic', role: 'viewer', password: PASSWORD });
    await access.createUser({ name: 'bob', role: 'owner', password: PASSWORD });
    await open('#/tokens/meter/M.bob');
    await page.getByLabel('Name').fill('vic');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await row('readings', 'failed').click();
    await page.getByText('It is not tried again by itself.').waitFor();
    assert.equal(await page.getByRole('button', { name: /…$/ }).count(), 0);
    assert.deepEqual(refused, []);
  });

  it('shows an owner their own ledger and nothing else, and asks for nothing that is refused', async () => {
    await open('#/alarms/a1', { width: 420, height: 900, dark: true });
    await page.getByLabel('Name').fill('bob');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await row('accounts', 'M.bob').waitFor();
    await page.getByRole('region', { name: 'Totals' }).getByText('2 kWh, 1 reading', { exact: true }).waitFor();
    assert.equal(await page.locator('.grid-accounts .row').count(), 1);
    assert.deepEqual(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents(), [
      'Tokens',
    ]);
    await page.getByText('bob, owner').waitFor();
    await node.client.metering.submit([ofBob.next('1.75')]);
    await page
      .getByRole('list', { name: /^Events/ })
      .getByText('1.75 kWh not minted')
      .waitFor();
    await page.getByRole('button', { name: 'wallets' }).click();
    await row('accounts', 'bob').click();
    await row('readings', '1.75').click();
    await page
      .getByRole('region', { name: 'Selected reading' })
      .getByText('Its batch is parked until a person has it tried again.')
      .waitFor();
    for (const hash of ['#/1/T:1', '#/models', '#/tokens/batch/1']) {
      await page.goto(`${node.url}/${hash}`);
      await page.reload();
      await row('accounts', 'M.bob').waitFor();
    }
    assert.deepEqual([complaints.filter((text) => !text.includes('401')), refused], [[], []]);
  });
});
