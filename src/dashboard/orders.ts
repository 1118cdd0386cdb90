/**
 * Runs in the browser. Reload and scale, for those who know adminToken. It is kept in this page's memory alone, and sent
 * in a header with nothing but the order itself.
 */
import type { Feed } from '#src/control/dashboard-feed.js';
import { byId, setText } from './dom.js';

type Order = 'reload' | 'scale';

const TEXTS: Readonly<Record<Order, { readonly title: string; readonly text: string; readonly submit: string }>> = {
  reload: {
    title: 'Reload',
    text: 'Workers of a new generation start with the config and the code that are on disk now, and replace those that run. Calls in flight finish. If the new ones cannot start, the old ones serve on.',
    submit: 'Reload',
  },
  scale: { title: 'Scale', text: 'How many workers there shall be, until a reload finds other numbers in the config.', submit: 'Scale' },
};

export class Orders {
  readonly #bar = byId('orders', HTMLElement);
  readonly #dialog = byId('dialog', HTMLDialogElement);
  readonly #workers = byId('dialog-workers', HTMLInputElement);
  readonly #byConfig = byId('dialog-config', HTMLInputElement);
  readonly #token = byId('dialog-token', HTMLInputElement);
  readonly #refusal = byId('dialog-refusal', HTMLElement);
  readonly #submit = byId('dialog-submit', HTMLButtonElement);
  readonly #onDone: () => void;
  #order: Order = 'reload';
  #goal = 1;

  /** @param onDone the server has taken an order */
  constructor(onDone: () => void) {
    this.#onDone = onDone;
    byId('reload', HTMLButtonElement).addEventListener('click', () => this.#open('reload'));
    byId('scale', HTMLButtonElement).addEventListener('click', () => this.#open('scale'));
    byId('dialog-cancel', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#byConfig.addEventListener('change', () => void (this.#workers.disabled = this.#byConfig.checked));
    byId('dialog-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
  }

  show({ takesOrders, status }: Feed): void {
    this.#bar.hidden = !takesOrders;
    this.#goal = status.goal.workers;
    if (!takesOrders) this.#dialog.close();
  }

  #open(order: Order): void {
    this.#order = order;
    const { title, text, submit } = TEXTS[order];
    setText(byId('dialog-title', HTMLElement), title);
    setText(byId('dialog-text', HTMLElement), text);
    setText(this.#submit, submit);
    setText(this.#refusal, '');
    const isScale = order === 'scale';
    byId('dialog-workers-field', HTMLElement).hidden = byId('dialog-config-field', HTMLElement).hidden = !isScale;
    this.#byConfig.checked = false;
    this.#workers.disabled = !isScale;
    this.#workers.value = String(this.#goal);
    this.#dialog.showModal();
    (isScale ? this.#workers : this.#token.value === '' ? this.#token : this.#submit).focus();
  }

  async #send(): Promise<void> {
    this.#submit.disabled = true;
    const refusal = await this.#ask();
    this.#submit.disabled = false;
    setText(this.#refusal, refusal ?? '');
    if (refusal !== null) return;
    this.#dialog.close();
    this.#onDone();
  }

  /** Null when the server has taken the order, else why not. */
  async #ask(): Promise<string | null> {
    const query = this.#order === 'scale' ? `?workers=${this.#byConfig.checked ? '0' : this.#workers.value}` : '';
    try {
      const response = await fetch(`dashboard/${this.#order}${query}`, { method: 'POST', headers: { authorization: `Bearer ${this.#token.value}` } });
      return response.ok ? null : (await response.text()).trim();
    } catch {
      return 'The server does not answer.';
    }
  }
}
