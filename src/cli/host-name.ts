import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * A host name or address in the form in which a certificate names it: names in lower case and ASCII (RFC 5280,
 * section 7.2), an asterisk as first label allowed; IPv6 without a zone. Undefined for anything else.
 */
export function parseHost(text: string): string | undefined {
  if (isIP(text) !== 0) return text.includes('%') ? undefined : text;
  const name = domainToASCII(text.replace(/^\*\./, ''));
  const isName = name.length <= 253 && isIP(name) === 0 && /^[a-z0-9_]([\w-]{0,62})(\.[a-z0-9_][\w-]{0,62})*$/.test(name);
  return isName ? (text.startsWith('*.') ? `*.${name}` : name) : undefined;
}
