/** Runs in the primary. The page of metrics as text. prom-client, which knows the format, is loaded only when it is wanted. */
import type { Metric } from 'prom-client';
import { METRICS, type Sample, type Samples } from '../../shared/metrics.js';

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

export async function renderMetrics(samples: Samples): Promise<MetricsText> {
  const { Registry } = await import('prom-client');
  const registry = new Registry();
  for (const [name, rows] of Object.entries<readonly Sample[]>(samples)) {
    const { type, help } = METRICS[name as keyof Samples];
    const values = rows.map(({ labels, value, part }) => ({ labels, value, ...(part === undefined ? {} : { metricName: name + part }) }));
    // A registry needs no more of a metric than its name and what get() gives: so prom-client itself adds up processes.
    const metric = { name, get: () => Promise.resolve({ name, help, type, values }) };
    if (rows.length > 0) registry.registerMetric(metric as unknown as Metric);
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}
