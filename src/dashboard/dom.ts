/** Runs in the browser. The few things that are done to elements again and again. Text goes in as text, never as markup. */

export type Child = Node | string;

/** An element with attributes and children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, attributes: Readonly<Record<string, string>> = {}, ...children: Child[]): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The element of the page with that id. @throws Error when it is of another type, or not there: the page is broken then */
export function byId<Type extends Element>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${type.name} #${id}`);
}

/** Touches the page only when there is something to change, so that a selection or a screen reader is left alone. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node: Element, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

const SVG = 'http://www.w3.org/2000/svg';

/** A shape of the page's symbols; what it means is said in words beside it. */
export function glyph(name: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'glyph');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#glyph-${name}`);
  svg.append(use);
  return svg;
}

/** A short stroke in the colour and the dashes of a line of a plot. */
export function swatch(line: number, dash: readonly number[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', `swatch line-${line}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('viewBox', '0 0 18 8');
  const stroke = document.createElementNS(SVG, 'path');
  stroke.setAttribute('d', 'M1 4h16');
  stroke.setAttribute('stroke-dasharray', dash.join(' '));
  svg.append(stroke);
  return svg;
}

/** Shows a state by its shape and its word, in an element that keeps both. */
export function setState(node: HTMLElement, state: string, shape: string, word = state): void {
  if (node.dataset.state === state && node.textContent === word) return;
  node.dataset.state = state;
  node.replaceChildren(glyph(shape), element('span', {}, word));
}
