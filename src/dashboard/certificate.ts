/** Runs in the browser. The server's certificate and how long it is good for. */
import type { Status } from '#src/control/definition.js';
import { byId, element, glyph } from './dom.js';
import { count, formatDay } from './format.js';

const DAY = 86_400_000;
/** Days before its end from which on a certificate is worth a warning; the daemon's log thinks so, too. */
const WARNING_DAYS = 30;

export class CertificateView {
  readonly #place = byId('certificate', HTMLElement);
  #said = '';

  /** @param now of the server */
  show({ certificate, tls }: Status, now: number): void {
    const said = JSON.stringify([certificate, tls, Math.floor(now / DAY)]);
    if (said === this.#said) return;
    this.#said = said;
    if (certificate === null) {
      this.#place.replaceChildren(element('p', { class: 'empty' }, tls ? 'Nothing is known of it.' : 'TLS is off: clients connect unencrypted.'));
      return;
    }
    const days = Math.floor((certificate.expiresAt - now) / DAY);
    const [shape, word] = days < 0 ? ['error', 'expired'] : days < WARNING_DAYS ? ['warning', 'expires soon'] : ['ready', 'good'];
    const left = days < 0 ? `${count(-days, 'day')} ago` : `in ${count(days, 'day')}`;
    this.#place.replaceChildren(
      element('p', { class: 'state', 'data-state': shape }, glyph(shape), element('span', {}, word)),
      element('dl', { class: 'facts' },
        row('Subject', certificate.subject),
        row('Expires', `${formatDay(certificate.expiresAt)}, ${left}`),
        row('SHA-256', certificate.fingerprint, 'fingerprint')),
    );
  }
}

const row = (label: string, text: string, look = ''): HTMLElement => element('div', {}, element('dt', {}, label), element('dd', { class: look }, text));
