import { connect } from 'node:net';

/** Whether somebody listens on a unix socket: the only honest test for a stale one is to connect. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
