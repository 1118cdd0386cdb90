import { uint16At, uint32At } from './bytes.js';
import { ConnectionError } from './connection-error.js';
import { ERROR_CODE, MAX_FRAME, MAX_WINDOW, SETTING } from './constants.js';

/** Two bytes of id, four of value (RFC 9113 section 6.5.1). */
const PAIR = 6;
const LARGEST_MAX_FRAME = 2 ** 24 - 1;

/**
 * Passes the settings of a frame on, in order, each checked by RFC 9113 section 6.5.2; unknown ones too.
 * @throws ConnectionError with the code that section demands
 */
export function parseSettings(buffer: Buffer, start: number, end: number, onSetting: (id: number, value: number) => void): void {
  if ((end - start) % PAIR !== 0) {
    throw new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, `SETTINGS has ${end - start} bytes, which is no multiple of ${PAIR}`);
  }
  for (let at = start; at < end; at += PAIR) {
    const id = uint16At(buffer, at);
    const value = uint32At(buffer, at + 2);
    check(id, value);
    onSetting(id, value);
  }
}

/**
 * Checks the settings of a frame, and picks one of them.
 * @returns its value, the last one if there are several; null without any
 * @throws ConnectionError as parseSettings does
 */
export function findSetting(buffer: Buffer, start: number, end: number, wanted: number): number | null {
  const found = { value: null as number | null };
  parseSettings(buffer, start, end, (id, value) => {
    if (id === wanted) found.value = value;
  });
  return found.value;
}

function check(id: number, value: number): void {
  if (id === SETTING.ENABLE_PUSH && value > 1) {
    throw new ConnectionError(ERROR_CODE.PROTOCOL_ERROR, `ENABLE_PUSH is ${value}, neither 0 nor 1`);
  }
  if (id === SETTING.INITIAL_WINDOW_SIZE && value > MAX_WINDOW) {
    throw new ConnectionError(ERROR_CODE.FLOW_CONTROL_ERROR, `INITIAL_WINDOW_SIZE is ${value}, above ${MAX_WINDOW}`);
  }
  if (id === SETTING.MAX_FRAME_SIZE && (value < MAX_FRAME || value > LARGEST_MAX_FRAME)) {
    throw new ConnectionError(ERROR_CODE.PROTOCOL_ERROR, `MAX_FRAME_SIZE is ${value}, not from ${MAX_FRAME} to ${LARGEST_MAX_FRAME}`);
  }
}
