/** Runs in the browser. What happened, as upright lines over a plot: each severity has its own dashes and its own head. */
import type { Mark } from '#src/control/dashboard-feed.js';
import type { Theme } from './theme.js';

/** Of a head, in CSS pixels. */
const SIZE = 3.5;

type Head = (context: CanvasRenderingContext2D, x: number, y: number, size: number) => void;

const HEADS: Readonly<Record<Mark['severity'], Head>> = {
  info: (context, x, y, size) => context.arc(x, y, size * 0.8, 0, 2 * Math.PI),
  warning: (context, x, y, size) => outline(context, [x, y - size, x + size, y + size, x - size, y + size]),
  error: (context, x, y, size) => outline(context, [x, y - size * 1.2, x + size * 1.2, y, x, y + size * 1.2, x - size * 1.2, y]),
};

export function drawMarks(plot: uPlot, marks: readonly Mark[], theme: Theme): void {
  const { ctx: context, bbox } = plot;
  const ratio = devicePixelRatio;
  context.save();
  context.lineWidth = ratio;
  for (const { at, severity } of marks) {
    const x = Math.round(plot.valToPos(at / 1000, 'x', true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    context.strokeStyle = context.fillStyle = theme.severities[severity];
    context.setLineDash(severity === 'info' ? [2 * ratio, 3 * ratio] : []);
    context.globalAlpha = severity === 'info' ? 0.75 : 0.9;
    context.beginPath();
    context.moveTo(x, bbox.top);
    context.lineTo(x, bbox.top + bbox.height);
    context.stroke();
    context.globalAlpha = 1;
    context.beginPath();
    HEADS[severity](context, x, bbox.top, SIZE * ratio);
    context.fill();
  }
  context.restore();
}

function outline(context: CanvasRenderingContext2D, points: readonly number[]): void {
  for (let index = 0; index < points.length; index += 2) context.lineTo(points[index] ?? 0, points[index + 1] ?? 0);
  context.closePath();
}
