/** Runs in a worker: the statuses that grpc-js sends by itself, which no interceptor sees. */
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { CallStatus } from './forwarding-call.js';

interface AnswerListener {
  noteAnswer(code: number): void;
}

const LISTENER = Symbol('who hears of the answers of this wire');
type WireCall = ServerInterceptingCallInterface & { [LISTENER]?: AnswerListener };

/**
 * Tells `listener` of every status that the wire is given. grpc-js answers some calls by itself (a deadline, a
 * message that is too large or cannot be decoded) through the public sendStatus of its own end of the chain
 * (server-interceptors.ts, 1.14); replacing that method on the one object tells these from a cancelled call. Were
 * it to answer in another way, such a call would count as cancelled, and a test would fail.
 */
export function listenToAnswers(wire: WireCall, listener: AnswerListener): void {
  wire[LISTENER] = listener;
  wire.sendStatus = noteAndSend;
}

/** One function for all wires, which costs a call less than a closure would. */
function noteAndSend(this: WireCall, answer: CallStatus): void {
  this[LISTENER]?.noteAnswer(answer.code);
  (Object.getPrototypeOf(this) as ServerInterceptingCallInterface).sendStatus.call(this, answer);
}
