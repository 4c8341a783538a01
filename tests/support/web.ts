import type { Browser, Page } from 'playwright-core';

/** An open page of the site, and what the browser complained about. */
export interface OpenPage {
  readonly page: Page;
  readonly complaints: string[];
}

/** Opens the web page at `url` in a browser of its own state (cookies, storage). */
export async function openWebPage(
  browser: Browser,
  url: string,
  { width = 1400, height = 900, dark = false } = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}
