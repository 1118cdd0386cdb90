/** Runs in a router. The bytes of DATA that are on a link, and who has to hear that they are not any more. */
import { CREDIT_STEP } from '../front/link-steps.js';
import { Parking } from '../front/parking.js';

export class LinkWindows {
  readonly #parking = new Parking();
  /** Of the client, that the worker has not taken. */
  #parked = 0;
  /** Of the worker, that have not gone to the client. */
  #held = 0;
  /** Gone to the client, and the worker has not been told. */
  #owed = 0;

  /** Bytes of the worker that wait for the client. */
  get held(): number {
    return this.#held;
  }

  /** The client has sent so many. @returns the credit that it gets for them now */
  enter(bytes: number): number {
    this.#parked += bytes;
    return this.#parking.enter(bytes);
  }

  /** The worker has taken so many. @returns the credit that the client gets now */
  took(bytes: number): number {
    this.#parked -= bytes;
    return this.#parking.leave(bytes);
  }

  /** The worker will take no more. @returns the credit that the client gets now */
  tookAll(): number {
    return this.took(this.#parked);
  }

  /** The worker has sent so many. */
  hold(bytes: number): void {
    this.#held += bytes;
  }

  /** So many of these have gone. @returns the increment to announce to the worker now, or 0 */
  release(bytes: number): number {
    this.#held -= bytes;
    this.#owed += bytes;
    if (this.#owed < CREDIT_STEP) return 0;
    const increment = this.#owed;
    this.#owed = 0;
    return increment;
  }
}
