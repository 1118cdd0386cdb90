// Plots as SVG, plain enough to be read in a diff: axes, grid, a legend, and numbers where they matter.

const WIDTH = 760;
const COLOURS = ['#1f6feb', '#d1741f', '#2a9d63', '#a33ea1', '#7d6b4a', '#c0392b', '#4a5a6a', '#b8860b', '#5fa8d3', '#8ab17d', '#e07a9b', '#555555'];
const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const page = (height, title, body) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12">
<title>${escape(title)}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="24" font-size="15" font-weight="600">${escape(title)}</text>
${body.join('\n')}
</svg>
`;

/** Round numbers from 0 to a little over `max`. */
function ticks(max) {
  const rough = (max || 1) / 4;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((candidate) => candidate >= rough);
  return Array.from({ length: Math.ceil((max || 1) / step) + 1 }, (_, index) => index * step);
}

const short = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1).replace(/\.?0+$/, ''));

/** @param series `{ name, points: [x, y][] }`; x rises in each */
export function lineChart({ title, x, y, series }) {
  const longest = Math.max(...series.map(({ name }) => name.length));
  const [left, top, right, bottom] = [64, 44, WIDTH - Math.max(120, 44 + 7 * longest), 300];
  const all = series.flatMap(({ points }) => points);
  const xs = ticks(Math.max(...all.map(([value]) => value)));
  const ys = ticks(Math.max(...all.map(([, value]) => value)));
  const px = (value) => left + (value / xs.at(-1)) * (right - left);
  const py = (value) => bottom - (value / ys.at(-1)) * (bottom - top);
  const body = [
    ...ys.map((value) => `<path d="M${left} ${py(value)}H${right}" stroke="#ddd"/><text x="${left - 8}" y="${py(value) + 4}" text-anchor="end">${short(value)}</text>`),
    ...xs.map((value) => `<text x="${px(value)}" y="${bottom + 18}" text-anchor="middle">${short(value)}</text>`),
    `<text x="${(left + right) / 2}" y="${bottom + 38}" text-anchor="middle">${escape(x)}</text>`,
    `<text x="16" y="${top - 6}">${escape(y)}</text>`,
    ...series.map(({ points }, index) => {
      const path = points.map(([at, value]) => `${px(at).toFixed(1)},${py(value).toFixed(1)}`).join(' ');
      return `<polyline points="${path}" fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="1.8"/>`;
    }),
    ...series.map(({ name }, index) => {
      const row = top + 18 * index;
      return `<rect x="${right + 14}" y="${row}" width="12" height="3" fill="${COLOURS[index % COLOURS.length]}"/><text x="${right + 32}" y="${row + 6}">${escape(name)}</text>`;
    }),
  ];
  return page(bottom + 54, title, body);
}

/**
 * Bars with the spread of the runs as whiskers.
 * @param rows `{ name, min, median, max }`
 */
export function barChart({ title, unit, rows }) {
  const [left, right, top, height] = [250, WIDTH - 90, 44, 26];
  const max = Math.max(...rows.map((row) => row.max)) || 1;
  const px = (value) => left + (value / max) * (right - left);
  const body = rows.map(({ name, min, median, max: most }, index) => {
    const at = top + height * index;
    const middle = at + height / 2;
    return [
      `<text x="${left - 10}" y="${middle + 4}" text-anchor="end">${escape(name)}</text>`,
      `<rect x="${left}" y="${at + 4}" width="${Math.max(1, px(median) - left).toFixed(1)}" height="${height - 8}" fill="${COLOURS[name.startsWith('grpcserverd') ? 0 : 6]}" opacity="0.85"/>`,
      `<path d="M${px(min).toFixed(1)} ${middle}H${px(most).toFixed(1)}" stroke="#111"/>`,
      `<text x="${(px(Math.max(median, most)) + 8).toFixed(1)}" y="${middle + 4}">${short(median)}</text>`,
    ].join('');
  });
  body.push(`<text x="${left}" y="${top + height * rows.length + 18}">${escape(unit)}; bars are medians, lines reach from the smallest to the largest</text>`);
  return page(top + height * rows.length + 32, title, body);
}
