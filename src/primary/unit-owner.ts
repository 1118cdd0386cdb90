/**
 * Runs in the primary. Owns the units of `maximumConcurrentRpcs` and lends them to routers (src/router/call-units.ts):
 * the sum of what is lent is never above the cap, so calls in progress are not either.
 */

export interface UnitBorrower {
  /** `count` more units; null: there is no cap. `isAlone`: no other router has any. */
  lend(count: number | null, isAlone: boolean): void;
  /**
   * Give that many back. `now`: those of them that are free, and say at once how many, 0 included; `later`: each as
   * soon as it is free.
   */
  reclaim(count: number, when: 'now' | 'later'): void;
}

interface Account {
  readonly borrower: UnitBorrower;
  lent: number;
  /** Of these, it is to give back as soon as they are free. */
  owed: number;
  /** Units that it asked for and has not got. */
  wanted: number;
  /** It was asked for free units and has not answered. */
  isPolled: boolean;
}

export class UnitOwner {
  readonly #accounts = new Map<UnitBorrower, Account>();
  /** Null: no cap. */
  #limit: number | null;
  /** In nobody's hands; below 0 after the cap was made smaller. */
  #free: number;

  constructor(limit: number | null) {
    this.#limit = limit;
    this.#free = limit ?? 0;
  }

  /** A router is there. It gets what is free, or half of it when it is not the first. */
  add(borrower: UnitBorrower): void {
    const account: Account = { borrower, lent: 0, owed: 0, wanted: 0, isPolled: false };
    this.#accounts.set(borrower, account);
    if (this.#limit === null) borrower.lend(null, true);
    else this.#lend(account, Math.max(0, this.#accounts.size === 1 ? this.#free : Math.floor(this.#free / 2)));
    this.#tellOthers(account);
  }

  /** A router is gone, and its calls with it. */
  remove(borrower: UnitBorrower): void {
    const account = this.#accounts.get(borrower);
    if (account === undefined) return;
    this.#accounts.delete(borrower);
    this.#free += account.lent;
    this.#serve();
  }

  /** A router is out of units. It hears of it, one way or the other. */
  wanted(borrower: UnitBorrower, count: number): void {
    const account = this.#accounts.get(borrower);
    if (account === undefined) return;
    account.wanted = Math.max(account.wanted, count);
    if (this.#free <= 0) {
      for (const other of this.#accounts.values()) {
        if (other === account || other.isPolled || other.lent === 0) continue;
        other.isPolled = true;
        other.borrower.reclaim(count, 'now');
      }
    }
    this.#serve();
  }

  /** Units came back, because they were reclaimed. */
  returned(borrower: UnitBorrower, count: number, when: 'now' | 'later'): void {
    const account = this.#accounts.get(borrower);
    if (account === undefined) return;
    if (when === 'now') account.isPolled = false;
    else account.owed -= count;
    account.lent -= count;
    this.#free += count;
    this.#serve();
  }

  setLimit(limit: number | null): void {
    const before = this.#limit;
    this.#limit = limit;
    if (limit !== null && before !== null) {
      this.#free += limit - before;
      if (this.#free < 0) this.#shrink();
      else this.#shareOut();
      return;
    }
    this.#free = limit ?? 0;
    for (const account of this.#accounts.values()) {
      account.lent = account.owed = account.wanted = 0;
      if (limit === null) account.borrower.lend(null, true);
    }
    if (limit !== null) this.#shareOut();
  }

  /** What is free, in equal parts; the rest waits for whoever wants it. */
  #shareOut(): void {
    const share = Math.floor(this.#free / Math.max(1, this.#accounts.size));
    for (const account of this.#accounts.values()) this.#lend(account, share);
    this.#serve();
  }

  /** Takes back what is too much, the most from whoever has most. */
  #shrink(): void {
    const accounts = [...this.#accounts.values()];
    let left = accounts.reduce((sum, { owed }) => sum - owed, -this.#free);
    while (left > 0) {
      const richest = accounts.reduce((one, other) => (other.lent - other.owed > one.lent - one.owed ? other : one));
      const part = Math.min(left, Math.max(1, Math.floor((richest.lent - richest.owed) / 2)));
      richest.owed += part;
      richest.borrower.reclaim(part, 'later');
      left -= part;
    }
  }

  #serve(): void {
    const isSure = ![...this.#accounts.values()].some(({ isPolled }) => isPolled);
    for (const account of this.#accounts.values()) {
      if (account.wanted === 0) continue;
      const count = Math.min(account.wanted, Math.max(0, this.#free));
      if (count === 0 && !isSure) continue;
      account.wanted = 0;
      this.#lend(account, count);
    }
  }

  #lend(account: Account, count: number): void {
    account.lent += count;
    this.#free -= count;
    account.borrower.lend(count, this.#accounts.size === 1);
  }

  /** That they are not alone any more. */
  #tellOthers(newcomer: Account): void {
    if (this.#limit === null || this.#accounts.size !== 2) return;
    for (const account of this.#accounts.values()) if (account !== newcomer) this.#lend(account, 0);
  }
}
