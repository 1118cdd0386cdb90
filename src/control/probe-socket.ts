import { connect } from 'node:net';
import { systemCode } from '../shared/errors.js';

/** Whether somebody listens on a unix socket: the only honest test for a stale one is to connect. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Whoever does listen has not come to those who wait already.
    socket.once('error', (error) => resolve(systemCode(error) === 'EAGAIN'));
  });
}
