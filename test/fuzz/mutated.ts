/** Frames of recorded sessions of real clients (test/fixtures/sessions), with what noise and bugs do to them. */
import { readdirSync, readFileSync } from 'node:fs';
import { FRAME, PREFACE } from '#src/http2/constants.js';
import { ROOT } from '../support/paths.js';
import type { Chance } from './chance.js';
import { bytesOf, framesOf, type Frame } from './frames.js';

const FOLDER = `${ROOT}test/fixtures/sessions/`;

/** Each of one client connection. */
export const SESSIONS: readonly (readonly Frame[])[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.bin'))
  .sort()
  .map((name) => framesOf(readFileSync(FOLDER + name).subarray(PREFACE.length)));

/** The chunks of a session as it was, but for a few frames. */
export function mutate(chance: Chance): readonly Buffer[] {
  const frames = [...chance.one(SESSIONS)];
  const chunks: Buffer[] = [PREFACE];
  const rate = chance.one([0.01, 0.05, 0.2]);
  for (let index = 0; index < frames.length; index += 1) {
    const frame = frames[index];
    if (frame === undefined) break;
    // The first SETTINGS stay, or nothing that follows is looked at.
    if (index === 0 || !chance.is(rate)) {
      chunks.push(bytesOf(frame));
      continue;
    }
    switch (chance.below(9)) {
      case 0:
        chunks.push(flip(bytesOf(frame), chance));
        break;
      case 1:
        chunks.push(bytesOf({ ...frame, payload: flip(frame.payload, chance) }));
        break;
      case 2:
        chunks.push(bytesOf({ ...frame, type: chance.below(12) }));
        break;
      case 3:
        chunks.push(bytesOf({ ...frame, flags: frame.flags ^ (1 << chance.below(8)) }));
        break;
      case 4:
        chunks.push(bytesOf({ ...frame, id: chance.one([0, 2, frame.id + 2, Math.max(0, frame.id - 2), 2 ** 31 - 1]) }));
        break;
      case 5:
        chunks.push(bytesOf({ ...frame, payload: frame.payload.subarray(0, chance.below(frame.payload.length + 1)) }));
        break;
      case 6:
        // Once more now, or again in the place of one that is to come.
        chunks.push(bytesOf(frame), bytesOf(frame));
        break;
      case 7: {
        const other = chance.below(frames.length - index) + index;
        [frames[index], frames[other]] = [frames[other] ?? frame, frame];
        chunks.push(bytesOf(frames[index] ?? frame));
        break;
      }
      default:
        chunks.push(breakBlock(frame, chance));
    }
  }
  return chunks;
}

function flip(bytes: Buffer, chance: Chance): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = 1 + chance.below(3); count > 0 && copy.length > 0; count -= 1) {
    const at = chance.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << chance.below(8));
  }
  return copy;
}

/** Octets put into a header block, or taken out of it: what follows means something else. */
function breakBlock(frame: Frame, chance: Chance): Buffer {
  if (frame.type !== FRAME.HEADERS) return bytesOf(frame, chance.below(20_000));
  const at = chance.below(frame.payload.length);
  const inserted = Buffer.from(Array.from({ length: chance.below(6) }, () => chance.one([0x00, 0x10, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbe, 0xbf, 0xff])));
  const rest = frame.payload.subarray(Math.min(frame.payload.length, at + chance.below(3)));
  return bytesOf({ ...frame, payload: Buffer.concat([frame.payload.subarray(0, at), inserted, rest]) });
}
