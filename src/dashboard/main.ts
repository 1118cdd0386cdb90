/** Runs in the browser. Puts the page together: a feed comes in once a second, and each part shows what is its own of it. */
import type { Feed } from '#src/control/dashboard-feed.js';
import { CertificateView } from './certificate.js';
import { Cursor } from './cursor.js';
import { byId } from './dom.js';
import { EventsView } from './events.js';
import { FleetView } from './fleet.js';
import { LinkState } from './link-state.js';
import { MethodsView } from './methods.js';
import { Orders } from './orders.js';
import { PLOTS } from './plot-list.js';
import { Plot } from './plot.js';
import { Poller } from './poller.js';
import { Readout } from './readout.js';
import { Summary } from './summary.js';
import { onThemeChange } from './theme.js';
import { Timeline } from './timeline.js';

const timeline = new Timeline();
const cursor = new Cursor();
const plots = PLOTS.map((spec) => new Plot(spec, timeline, cursor));
const link = new LinkState();
const summary = new Summary();
const fleet = new FleetView();
const methods = new MethodsView();
const events = new EventsView(cursor);
const certificate = new CertificateView();
const orders = new Orders(() => poller.poll());
const poller = new Poller({ question: () => timeline.question, onFeed: show, onGone: () => link.gone() });

byId('plots', HTMLElement).append(...plots.map((plot) => plot.element));
new Readout(timeline, cursor);
onThemeChange(() => {
  for (const plot of plots) plot.recolour();
});
poller.start();

function show(feed: Feed): void {
  timeline.add(feed);
  link.live();
  summary.show(feed.status);
  for (const plot of plots) plot.show();
  fleet.show(feed.status);
  events.show(timeline);
  methods.show(feed.methods);
  certificate.show(feed.status, feed.now);
  orders.show(feed);
}
