/** Debian's Chromium, as a reader of the dashboard has one. */
import assert from 'node:assert/strict';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { Daemon } from './daemon.js';
import { adminUrl } from './scrape.js';

export function openBrowser(): Promise<Browser> {
  // As root, which tests may be, Chromium has no sandbox; it sees nothing but pages of ours.
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** A page on the dashboard of a daemon. Its disposal asserts that nothing went wrong in it, and that it asked nobody else. */
export class DashboardPage implements AsyncDisposable {
  /** Errors and warnings of the console, uncaught errors, and what the policy forbade. */
  readonly faults: string[] = [];
  readonly hosts = new Set<string>();

  private constructor(
    readonly page: Page,
    readonly daemon: Daemon,
  ) {
    page.setDefaultTimeout(daemon.deadline.remaining);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.faults.push(message.text());
    });
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('request', (request) => this.hosts.add(new URL(request.url()).origin));
  }

  static async open(browser: Browser, daemon: Daemon): Promise<DashboardPage> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const dashboard = new DashboardPage(page, daemon);
    await page.goto(adminUrl(daemon));
    await dashboard.untilLive();
    return dashboard;
  }

  async untilLive(): Promise<void> {
    await this.page.locator('body[data-link=live]').waitFor();
  }

  /** Text of the cells of a table, row by row. */
  async rows(id: string): Promise<string[][]> {
    const rows = await this.page.locator(`#${id} tbody tr`).all();
    return await Promise.all(rows.map((row) => row.locator('th, td').allInnerTexts()));
  }

  /** What the keyboard gets to without a name that could be said of it; the dialog apart. */
  async nameless(): Promise<unknown> {
    return await this.page.evaluate(`[...document.querySelectorAll('body > :not(dialog) :is(a, button, summary, input, [tabindex="0"])')]
      .filter((each) => !each.hasAttribute('aria-label') && !each.hasAttribute('aria-labelledby') && each.textContent.trim() === '').map(({ outerHTML }) => outerHTML)`);
  }

  /** Waits until what is read of the page is as it shall be. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    await this.daemon.deadline.poll(async () => ((await isSo()) ? true : undefined), what, () => this.daemon.log.text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
    assert.deepEqual(this.faults, []);
    assert.deepEqual([...this.hosts], [adminUrl(this.daemon)]);
  }
}
