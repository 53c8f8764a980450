import { html, type Markup } from './html.js';

/** A line of a plot; colour and marker follow from its style number, so that one thing looks the same in every plot. */
export interface PlotSeries {
  readonly label: string;
  /** Number of the colour and of the marker's shape. */
  readonly style: number;
  readonly dashed?: boolean;
  readonly points: readonly PlotPoint[];
  /** Single values beside the line, drawn as large hollow markers. */
  readonly extra?: readonly PlotPoint[];
}

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
}

/** A stretch of the x axis with a name above it. */
export interface PlotSpan {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

export interface PlotAxis {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
}

export interface PlotOptions {
  /** What the plot shows, for people who cannot see it. */
  readonly description: string;
  /** Default wide. */
  readonly size?: keyof typeof WIDTHS;
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly series: readonly PlotSeries[];
  readonly spans?: readonly PlotSpan[];
  /** Heading of the box that appears over an x value. */
  readonly heading: (x: number) => string;
  /** How a y value reads in that box; default as on the axis. */
  readonly value?: (y: number) => string;
}

/** Drawn size in CSS pixels at full width: plots of which three share a row are narrow, so that their text stays readable. */
const WIDTHS = { wide: 480, narrow: 330 };
const HEIGHT = 262;
const MARGIN = { left: 46, right: 12, top: 26, bottom: 40 };
const PLOT_HEIGHT = HEIGHT - MARGIN.top - MARGIN.bottom;
/** Longer names are shortened in the box over a plot. */
const TIP_CHARACTERS = 28;
/** Lines of more points than this carry no markers. */
const MAX_MARKERS = 24;

interface Frame {
  readonly width: number;
  /** Right end of the x axis. */
  readonly right: number;
  readonly left: (x: number) => number;
  readonly top: (y: number) => number;
}

/** A line plot as inline SVG. Pointing at it shows the values there, by CSS alone. */
export function linePlot(options: PlotOptions): Markup {
  const { x, y } = options;
  const width = WIDTHS[options.size ?? 'wide'];
  const right = width - MARGIN.right;
  const frame: Frame = {
    width,
    right,
    left: (value) => round(MARGIN.left + ((value - x.min) / (x.max - x.min || 1)) * (right - MARGIN.left)),
    top: (value) => round(MARGIN.top + (1 - (value - y.min) / (y.max - y.min || 1)) * PLOT_HEIGHT),
  };
  return html`<svg
    class="plot"
    viewBox="0 0 ${width} ${HEIGHT}"
    role="img"
    aria-label="${options.description}"
  >
    ${options.spans?.map((span, i) => spanShape(span, i, frame))} ${axes(x, y, frame)}
    ${options.series.map((series) => seriesShape(series, frame))} ${columns(options, frame)}
  </svg>`;
}

/** Round values from 0 (or the minimum) to a little above the maximum: steps of 1, 2 or 5 times a power of ten. */
export function niceTicks(min: number, max: number, count = 5): number[] {
  const span = max - min || Math.abs(max) || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = power * ([1, 2, 5, 10].find((factor) => span / (power * factor) <= count) ?? 10);
  const first = Math.floor(min / step + 1e-9);
  const last = Math.ceil(max / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The marker of a style, as it stands in plots: circle, square, triangle, diamond, then circles again. */
export function markerShape(style: number, left: number, top: number, size: number, kind: string): Markup {
  const className = `${kind} s${style % 6}`;
  const s = size * 0.9;
  switch (style % 4) {
    case 1:
      return html`<rect
        class="${className}"
        x="${round(left - s)}"
        y="${round(top - s)}"
        width="${2 * s}"
        height="${2 * s}"
      />`;
    case 2:
      return polygon(className, [
        left,
        top - size * 1.2,
        left + size * 1.1,
        top + s,
        left - size * 1.1,
        top + s,
      ]);
    case 3:
      return polygon(className, [
        left,
        top - size * 1.3,
        left + size * 1.3,
        top,
        left,
        top + size * 1.3,
        left - size * 1.3,
        top,
      ]);
    default:
      return html`<circle class="${className}" cx="${left}" cy="${top}" r="${size}" />`;
  }
}

/** Names of the lines with their marks. */
export function plotLegend(
  series: readonly Pick<PlotSeries, 'label' | 'style' | 'dashed'>[],
  extraLabel?: string,
): Markup {
  const entry = (label: string, drawing: Markup) =>
    html`<li>
      <svg viewBox="0 0 30 14" width="30" height="14" aria-hidden="true">${drawing}</svg>${label}
    </li>`;
  return html`<ul class="legend">
    ${series.map(({ label, style, dashed }) =>
      entry(
        label,
        html`<path
            class="line s${style % 6}${dashed ? ' dashed' : ''}"
            d="M1 7H29"
          />${markerShape(style, 15, 7, 3.4, 'mark')}`,
      ),
    )}
    ${extraLabel && entry(extraLabel, html`<circle class="ring" cx="15" cy="7" r="5" />`)}
  </ul>`;
}

function polygon(className: string, coordinates: readonly number[]): Markup {
  return html`<polygon class="${className}" points="${coordinates.map(round).join(' ')}" />`;
}

function spanShape(span: PlotSpan, index: number, frame: Frame): Markup {
  const left = frame.left(span.from);
  const width = round(frame.left(span.to) - left);
  return html`<g class="span${index % 2 ? ' odd' : ''}">
    <rect x="${left}" y="${MARGIN.top - 20}" width="${width}" height="${PLOT_HEIGHT + 20}" />
    ${index > 0 && html`<path d="M${left} ${MARGIN.top - 20}V${MARGIN.top + PLOT_HEIGHT}" />`}
    <text x="${round(left + width / 2)}" y="${MARGIN.top - 7}"
      ><title>${span.label}</title>${shortened(span.label, width / 6.6)}</text
    >
  </g>`;
}

function axes(x: PlotAxis, y: PlotAxis, frame: Frame): Markup {
  const bottom = MARGIN.top + PLOT_HEIGHT;
  return html`<g class="axes">
    ${y.ticks.map(
      (tick) =>
        html`<path class="grid" d="M${MARGIN.left} ${frame.top(tick)}H${frame.right}" />
          <text class="y" x="${MARGIN.left - 7}" y="${frame.top(tick) + 4}">${y.format(tick)}</text>`,
    )}
    <path class="base" d="M${MARGIN.left} ${bottom}H${frame.right}" />
    ${x.ticks.map((tick) => html`<text class="x" x="${frame.left(tick)}" y="${bottom + 16}">${x.format(tick)}</text>`)}
    <text class="x name" x="${round((MARGIN.left + frame.right) / 2)}" y="${HEIGHT - 5}">${x.label}</text>
  </g>`;
}

function seriesShape(series: PlotSeries, frame: Frame): Markup {
  const path = series.points
    .map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${frame.left(x)} ${frame.top(y)}`)
    .join('');
  const marked = series.points.length <= MAX_MARKERS ? series.points : [];
  return html`<g>
    <path class="line s${series.style % 6}${series.dashed ? ' dashed' : ''}" d="${path}" />
    ${marked.map(({ x, y }) => markerShape(series.style, frame.left(x), frame.top(y), 2.8, 'mark'))}
    ${series.extra?.map(({ x, y }) => markerShape(series.style, frame.left(x), frame.top(y), 5.5, 'hollow'))}
  </g>`;
}

/** One invisible column per x value; pointing at it shows a rule and a box with all values there. */
function columns(options: PlotOptions, frame: Frame): Markup {
  const xs = [
    ...new Set(options.series.flatMap(({ points, extra = [] }) => [...points, ...extra].map(({ x }) => x))),
  ];
  xs.sort((a, b) => a - b);
  return html`<g class="columns">
    ${xs.map((x, i) => {
      const from = i === 0 ? MARGIN.left - 8 : (frame.left(xs[i - 1]) + frame.left(x)) / 2;
      const to = i === xs.length - 1 ? frame.width : (frame.left(xs[i + 1]) + frame.left(x)) / 2;
      return html`<g>
        <rect
          class="hit"
          x="${round(from)}"
          y="${MARGIN.top}"
          width="${round(to - from)}"
          height="${PLOT_HEIGHT}"
        />
        ${tip(x, options, frame)}
      </g>`;
    })}
  </g>`;
}

function tip(x: number, { series, heading, value, y: axis }: PlotOptions, frame: Frame): Markup {
  const format = value ?? axis.format;
  const rows = series.flatMap(({ label, style, points, extra = [] }) => {
    const rowsOf = (some: readonly PlotPoint[], kind: string) =>
      some
        .filter((point) => point.x === x)
        .map(({ y }) => ({ label: shortened(label, TIP_CHARACTERS), style, text: format(y), y, kind }));
    return [...rowsOf(points, 'mark'), ...rowsOf(extra, 'hollow')];
  });
  const characters = Math.max(
    heading(x).length,
    ...rows.map(({ label, text }) => label.length + text.length + 3),
  );
  const width = Math.min(frame.width - 8, characters * 6.7 + 34);
  const left = frame.left(x);
  const boxLeft = round(
    Math.min(Math.max(4, left > frame.width / 2 ? left - width - 10 : left + 10), frame.width - width - 2),
  );
  const lineTop = (row: number) => MARGIN.top + 17 + row * 17;
  return html`<g class="tip">
    <path class="rule" d="M${left} ${MARGIN.top}V${MARGIN.top + PLOT_HEIGHT}" />
    ${rows.map(({ style, y }) => markerShape(style, left, frame.top(y), 4, 'mark'))}
    <rect
      class="box"
      x="${boxLeft}"
      y="${MARGIN.top}"
      width="${round(width)}"
      height="${rows.length * 17 + 27}"
      rx="5"
    />
    <text class="heading" x="${boxLeft + 10}" y="${lineTop(0)}">${heading(x)}</text>
    ${rows.map(
      ({ label, style, text, kind }, i) =>
        html`${markerShape(style, boxLeft + 15, lineTop(i + 1) - 4, 3.4, kind)}
          <text x="${boxLeft + 25}" y="${lineTop(i + 1)}">${label}</text>
          <text class="value" x="${round(boxLeft + width - 10)}" y="${lineTop(i + 1)}">${text}</text>`,
    )}
  </g>`;
}

function shortened(label: string, characters: number): string {
  return label.length > characters ? `${label.slice(0, Math.max(1, Math.floor(characters) - 1))}…` : label;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
