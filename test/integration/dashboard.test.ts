// The dashboard in real Chromium: what it says is what the control API says, and what it orders happens.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { UserConfig } from '#src/config/options.js';
import type { Feed } from '#src/control/dashboard-feed.js';
import { DashboardPage, openBrowser } from '../support/browser.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { skipUnless } from '../support/peers.js';
import { GrpcJsProbe } from '../support/probe.js';
import { adminUrl } from '../support/scrape.js';

const config: UserConfig = { maxWorkers: 2, admin: '127.0.0.1:0' };
const TOKEN = 'correct-horse-battery-staple';
const needsChromium = { skip: skipUnless('chromium') };

/** What the page is told. */
async function feedOf(daemon: Daemon): Promise<Feed> {
  const response = await daemon.until(fetch(`${adminUrl(daemon)}/dashboard/feed`), 'a feed');
  return (await response.json()) as Feed;
}

/** Status and text of a path, asked for with headers of the test's own. */
function ask(daemon: Daemon, method: string, path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asking = request(adminUrl(daemon) + path, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part)).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.on('error', reject).end();
  });
  return daemon.until(answer, `an answer of ${path}`);
}

let browser: Browser;
before(async () => {
  if (needsChromium.skip === false) browser = await openBrowser();
});
after(async () => {
  if (needsChromium.skip === false) await browser.close();
});

test('the page of a fleet', needsChromium, async (t) => {
  await using daemon = await startDaemon({ config, deadline: 60_000 });
  await using dashboard = await DashboardPage.open(browser, daemon);
  const { page } = dashboard;

  await t.test('says what the control API says', async () => {
    await using probe = new GrpcJsProbe(daemon.address);
    for (let call = 0; call < 30; call += 1) assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK');
    for (let call = 0; call < 5; call += 1) assert.equal((await probe.call('Probe/Fail', { code: 5, details: 'x' })).code, 'NOT_FOUND');
    const total = async (): Promise<number> => (await feedOf(daemon)).samples.reduce((sum, { calls }) => sum + calls, 0);
    await dashboard.until('all calls', async () => (await total()) === 35);
    const { samples } = await feedOf(daemon);
    assert.equal(samples.reduce((sum, { errors }) => sum + (errors.NotFound ?? 0), 0), 5);
    assert.equal(samples.at(-1)?.connections, 1);
    await dashboard.until('the failures', async () => (await dashboard.rows('failing'))[0]?.[2] === '5');
    assert.deepEqual(await dashboard.rows('failing'), [['probe.v1.Probe/Fail', '5', '5', '100 %', 'NotFound\u00a05']]);
    const status = await daemon.status();
    const workers = (await dashboard.rows('workers')).map(([slot, state, generation, pid]) => [slot, state, generation, pid]);
    assert.deepEqual(workers, status.workers.map(({ slot, pid }) => [String(slot), 'ready', '1', String(pid)]));
    assert.equal((await dashboard.rows('routers')).length, Math.max(1, status.routers.length), 'a row for each, or one that says that there are none');
    await page.getByRole('heading', { name: status.name, level: 1 }).waitFor();
    await page.getByRole('status').filter({ hasText: 'healthy' }).waitFor();
  });

  await t.test('has a name for whatever is read or pressed, and no orders without a token', async () => {
    for (const name of ['Calls per second', 'Errors per second', 'Latency', 'Calls in flight', 'Event-loop delay', 'Resident memory']) {
      await page.getByRole('slider', { name: `${name}, moment` }).waitFor();
    }
    for (const name of ['Workers', 'Slowest methods', 'Failing methods']) await page.getByRole('region', { name }).getByRole('table').waitFor();
    assert.deepEqual(await dashboard.nameless(), []);
    assert.equal(await page.getByRole('button', { name: 'Reload…' }).count(), 0);
  });

  await t.test('is read with the keyboard, and as tables', async () => {
    const plot = page.getByRole('slider', { name: 'Resident memory, moment' });
    const said = async (): Promise<string> => (await plot.getAttribute('aria-valuetext')) ?? '';
    await dashboard.until('figures', async () => (await said()).startsWith('now: workers '));
    await plot.focus();
    await page.keyboard.press('Home');
    const first = await said();
    assert.match(first, /^\d\d:\d\d:\d\d: workers \d+ MB, largest \d+ MB, primary \d+ MB$/);
    await page.keyboard.press('ArrowRight');
    await dashboard.until('another moment', async () => (await said()) !== first);
    assert.match(await page.locator('#readout').innerText(), /^\d\d:\d\d:\d\d/);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#readout').innerText(), '');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const table = page.getByRole('table', { name: 'Resident memory, highest of each minute' });
    await table.locator('tbody tr').first().waitFor();
    assert.deepEqual(await table.locator('thead th').allInnerTexts(), ['Minute', 'workers', 'largest', 'primary']);
    assert.match(await table.locator('tbody tr').first().innerText(), /^\d\d:\d\d\s+\d+ MB/);
  });

  await t.test('has reloads and crashes on its time line, with their reasons', async () => {
    const events = page.locator('#events');
    assert.equal((await daemon.reload()).report.verdict, 'done');
    const pid = daemon.workerPid(1);
    process.kill(pid, 'SIGKILL');
    for (const text of [/Reload to generation 2\s*reload command/, /Reload done\s*generation 2 after/, new RegExp(`error: Worker 1 \\(pid ${pid}\\) crashed\\s*SIGKILL`)]) {
      await events.getByRole('button', { name: text }).waitFor();
    }
    await events.getByRole('button', { name: /crashed/ }).focus();
    assert.match(await page.locator('#readout').innerText(), /crashed: SIGKILL/);
  });

  await t.test('runs no script that is not its own', async () => {
    await assert.rejects(page.evaluate('document.body.innerHTML = "<p>x</p>"'), /TrustedHTML/);
    await page.evaluate("document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { display: none }' }))");
    await page.locator('#name').waitFor();
    assert(dashboard.faults.splice(0).every((fault) => fault.includes('Content Security Policy') || fault.includes('TrustedHTML')));
  });
});

test('with a token there are orders, and only with it are they taken', needsChromium, async () => {
  await using daemon = await startDaemon({ config: { ...config, adminToken: TOKEN } });
  await using dashboard = await DashboardPage.open(browser, daemon);
  const { page } = dashboard;
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Scale…' }).click();
  await dialog.getByLabel('Workers').fill('3');
  await dialog.getByLabel('adminToken').fill('wrong-horse-battery-staple');
  await dialog.getByRole('button', { name: 'Scale' }).click();
  await dialog.getByText('That is not the adminToken.').waitFor();
  // Chromium has a line for each answer of that kind.
  assert.match(dashboard.faults.splice(0).join('\n'), /^[^\n]*status of 401[^\n]*$/);
  await dialog.getByLabel('adminToken').fill(TOKEN);
  await page.keyboard.press('Enter');
  await daemon.waitFor('fleet.scaled', { before: 2, after: 3, source: 'scale' });
  await dashboard.until('three workers', async () => (await dashboard.rows('workers')).length === 3);
  await page.getByRole('button', { name: 'Reload…' }).click();
  await dialog.getByRole('button', { name: 'Reload' }).click();
  await daemon.waitFor('reload.ended', { cause: 'dashboard', verdict: 'done' });
  await page.locator('#events').getByRole('button', { name: /Reload done/ }).waitFor();
  assert(!daemon.log.text.includes(TOKEN), 'the token is in the log');
});

test('the page says when the server is gone, keeps what it knows, and goes on when it is back', needsChromium, async () => {
  await using first = await startDaemon({ config });
  const admin = adminUrl(first).slice('http://'.length);
  const dashboard = await DashboardPage.open(browser, first);
  const { page, faults } = dashboard;
  const ready = page.locator('#events').getByRole('button', { name: /Daemon ready/ });
  await ready.waitFor();
  assert.deepEqual(await first.stop(), { code: 0, signal: null });
  await page.getByRole('status').filter({ hasText: /no answer since \d\d:\d\d:\d\d; trying again/ }).waitFor();
  assert.equal((await dashboard.rows('workers')).length > 0, true, 'what was known is shown on');
  await using second = await startDaemon({ config: { ...config, admin } });
  await dashboard.untilLive();
  await second.deadline.poll(async () => ((await ready.count()) === 2 ? true : undefined), 'both lives on one time line');
  assert.deepEqual(faults.splice(0).filter((fault) => !fault.includes('ERR_')), [], 'nothing but what Chromium says of lost connections');
  await dashboard[Symbol.asyncDispose]();
});

test('orders without the token are refused, those from other sites and the ways around it too', async () => {
  await using silent = await startDaemon({ config: { ...config, maxWorkers: 1 } });
  assert.equal((await ask(silent, 'POST', '/dashboard/reload', { authorization: `Bearer ${TOKEN}` })).status, 403);
  await using daemon = await startDaemon({ config: { ...config, maxWorkers: 1 }, env: { GRPCSERVERD_ADMIN_TOKEN: TOKEN } });
  for (const authorization of ['', TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`]) {
    assert.equal((await ask(daemon, 'POST', '/dashboard/scale?workers=2', { authorization })).status, 401, authorization);
  }
  const right = { authorization: `Bearer ${TOKEN}` };
  assert.equal((await ask(daemon, 'GET', '/dashboard/scale?workers=2', right)).status, 404);
  assert.equal((await ask(daemon, 'POST', '/dashboard/scale?workers=-1', right)).status, 400);
  for (const path of ['/', '/metrics', '/dashboard/feed', '/dashboard/main.js']) {
    assert.equal((await ask(daemon, 'GET', path, { host: 'rebound.example:80' })).status, 403, path);
    assert.equal((await ask(daemon, 'GET', path, { host: 'localhost:9090' })).status, 200, path);
  }
  assert.equal((await ask(daemon, 'POST', '/dashboard/reload', { ...right, host: 'rebound.example' })).status, 403);
  assert.equal((await ask(daemon, 'GET', '/livez', { host: 'probe.example' })).status, 200);
  for (const path of ['/dashboard/', '/dashboard/../admin.js', '/dashboard/%2e%2e/index.js', '/dashboard/tsconfig.json', '/dashboard/.tsbuildinfo']) {
    assert.equal((await ask(daemon, 'GET', path, {})).status, 404, path);
  }
  assert.deepEqual(daemon.log.all('reload.started'), []);
  assert.deepEqual(JSON.parse((await ask(daemon, 'POST', '/dashboard/scale?workers=2', right)).text), { before: 1, after: 2 });
  const shown = await daemon.command('config', 'show', '--config', daemon.configFile);
  assert.match(shown.stdout, /adminToken: ['"]?\*\*\*/);
});

test('the token may be in a file, and one that is of no use is refused before anything changes', async () => {
  await using daemon = await startDaemon({ config: { ...config, maxWorkers: 1, adminToken: { file: './token' } }, files: { token: `${TOKEN}\n` } });
  assert.equal((await ask(daemon, 'POST', '/dashboard/scale?workers=1', { authorization: `Bearer ${TOKEN}` })).status, 200);
  daemon.dir.write('token', 'short\n');
  const { report } = await daemon.reload();
  assert.equal(report.verdict, 'refused');
  assert.match(report.error, /adminToken: .*token must hold one line/);
  assert.equal((await ask(daemon, 'POST', '/dashboard/scale?workers=1', { authorization: `Bearer ${TOKEN}` })).status, 200);
});
