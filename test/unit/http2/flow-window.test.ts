import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_WINDOW } from '#src/http2/constants.js';
import { FlowWindow, ReceiveWindow } from '#src/http2/flow-window.js';

test('a send window starts at 65535, shrinks with what is sent and grows with credit', () => {
  const window = new FlowWindow();
  assert.equal(window.available, 65_535);
  window.take(65_535);
  assert.equal(window.available, 0);
  assert.equal(window.add(10), true);
  assert.equal(window.available, 10);
});

test('a send window above 2^31-1 is the peer\'s error', () => {
  const window = new FlowWindow(MAX_WINDOW - 1);
  assert.equal(window.add(1), true);
  assert.equal(window.add(1), false);
  assert.equal(new FlowWindow(MAX_WINDOW).adjust(1), false);
});

test('a smaller initial window may take a send window below 0, and credit brings it back', () => {
  const window = new FlowWindow(100);
  window.take(80);
  assert.equal(window.adjust(-100), true);
  assert.equal(window.available, -80);
  window.add(81);
  assert.equal(window.available, 1);
});

test('a receive window announces credit when half of it is owed, and all of that', () => {
  const window = new ReceiveWindow(100);
  assert.equal(window.receive(100), true);
  assert.equal(window.release(49), 0);
  assert.equal(window.release(1), 50);
  assert.equal(window.release(49), 0);
  assert.equal(window.release(1), 50);
});

test('a peer that sends more than it was let exceeds the window, by one byte', () => {
  const window = new ReceiveWindow(100);
  window.receive(100);
  window.release(60);
  assert.equal(window.receive(60), true);
  assert.equal(window.receive(1), false);
});

test('a window that starts smaller owes the difference', () => {
  const window = new ReceiveWindow(1000, 100);
  assert.equal(window.release(0), 900);
  assert.equal(window.receive(1000), true);
  assert.equal(window.receive(1), false);
});
