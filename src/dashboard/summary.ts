/** Runs in the browser. The head of the page: whose it is, how it is, and what is wrong. */
import type { ReloadReport, Status } from '#src/control/definition.js';
import { byId, element, glyph, setState, setText } from './dom.js';
import { count, formatAge, formatClock, formatCount, formatMs } from './format.js';

const SHAPES: Readonly<Record<Status['health'], string>> = { healthy: 'ready', starting: 'starting', degraded: 'warning', stopping: 'draining' };

export class Summary {
  readonly #name = byId('name', HTMLElement);
  readonly #health = byId('health', HTMLElement);
  readonly #facts = byId('facts', HTMLElement);
  readonly #problems = byId('problems', HTMLElement);
  readonly #values = new Map<string, HTMLElement>();
  #said = '';

  show(status: Status): void {
    const { name, health, primary, goal, address, tls, version, workers, routers, lastReload } = status;
    setText(this.#name, name);
    setState(this.#health, health, SHAPES[health]);
    document.title = `${name}: ${health} – grpcserverd`;
    const owners = routers.length > 0 ? routers : workers;
    this.#fact('Address', `${address}${tls ? ' (TLS)' : ''}`);
    this.#fact('Generation', String(goal.generation));
    this.#fact('Connections', formatCount(owners.reduce((sum, { connections }) => sum + connections, 0)));
    this.#fact('Up', formatAge(primary.uptimeSeconds));
    this.#fact('Last reload', describeReload(lastReload));
    this.#fact('Version', version);
    this.#showProblems(status);
  }

  #fact(label: string, text: string): void {
    let value = this.#values.get(label);
    if (value === undefined) {
      value = element('dd');
      this.#values.set(label, value);
      this.#facts.append(element('div', {}, element('dt', {}, label), value));
    }
    setText(value, text);
  }

  #showProblems({ problems, reload, restartRequired }: Status): void {
    const news = [
      ...(reload === null ? [] : [{ shape: 'reload', text: `Reload to generation ${reload.generation}: ${reload.stage} (${reload.cause})` }]),
      ...problems.map((text) => ({ shape: 'warning', text })),
      ...(restartRequired.length === 0 ? [] : [{ shape: 'info', text: `${count(restartRequired.length, 'option')} wait for a restart: ${restartRequired.join(', ')}` }]),
    ];
    const said = JSON.stringify(news);
    if (said === this.#said) return;
    this.#said = said;
    const items = news.length === 0 ? [{ shape: 'ready', text: 'No problems' }] : news;
    this.#problems.replaceChildren(...items.map(({ shape, text }) => element('p', { 'data-shape': shape }, glyph(shape), element('span', {}, text))));
  }
}

function describeReload(report: ReloadReport | null): string {
  return report === null ? 'none' : `${report.verdict} ${formatClock(report.endedAt)}, ${formatMs(report.tookMs)}`;
}
