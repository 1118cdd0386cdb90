/** Runs in the browser. A table whose rows come anew every second; cells that say the same are left alone. */
import { element, setText } from './dom.js';

export interface Column<Row> {
  readonly head: string;
  /** Said on top of the head, when it is short. */
  readonly title?: string;
  /** `name` heads its row, `text` is left-aligned, `minor` is left out where there is little room. */
  readonly look?: string;
  /** Puts the row's value into its cell; text alone is returned. */
  readonly cell: (row: Row, cell: HTMLTableCellElement) => string | null;
}

export class LiveTable<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #body = element('tbody');
  readonly #empty: HTMLTableRowElement;

  /** @param empty what is said when there are no rows */
  constructor(table: HTMLTableElement, columns: readonly Column<Row>[], empty: string) {
    this.#columns = columns;
    const heads = columns.map(({ head, title, look = '' }) => element('th', { scope: 'col', class: look, ...(title === undefined ? {} : { title }) }, head));
    this.#empty = element('tr', {}, element('td', { class: 'text empty', colspan: String(columns.length) }, empty));
    table.replaceChildren(element('thead', {}, element('tr', {}, ...heads)), this.#body);
  }

  show(rows: readonly Row[]): void {
    if (rows.length > 0) this.#empty.remove();
    while (this.#body.rows.length > rows.length) this.#body.deleteRow(-1);
    while (this.#body.rows.length < rows.length) this.#addRow();
    for (const [index, row] of rows.entries()) this.#fill(this.#body.rows[index], row);
    if (rows.length === 0) this.#body.replaceChildren(this.#empty);
  }

  #addRow(): void {
    const cells = this.#columns.map(({ look = '' }) => (look.includes('name') ? element('th', { scope: 'row', class: look }) : element('td', { class: look })));
    this.#body.append(element('tr', {}, ...cells));
  }

  #fill(tableRow: HTMLTableRowElement | undefined, row: Row): void {
    for (const [index, { cell }] of this.#columns.entries()) {
      const place = tableRow?.cells[index];
      if (place === undefined) continue;
      const text = cell(row, place);
      if (text !== null) setText(place, text);
    }
  }
}
