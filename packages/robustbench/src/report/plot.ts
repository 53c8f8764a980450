import { html, type Markup } from './html.js';
import { coordinate, markerShape } from './plot-marker.js';

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
const MARGIN = { left: 46, right: 12, top: 12, bottom: 40 };
/** Room above the plot for the names of spans, in two lines. */
const SPAN_HEIGHT = 34;
const BOTTOM = HEIGHT - MARGIN.bottom;
const CHARACTER_WIDTH = 6.7;
/** Longer names are shortened in the box over a plot. */
const TIP_CHARACTERS = 28;
/** Lines of more points than this carry no markers. */
const MAX_MARKERS = 24;

interface Frame {
  readonly width: number;
  /** Top of the y axis. */
  readonly ceiling: number;
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
  const ceiling = MARGIN.top + (options.spans ? SPAN_HEIGHT : 0);
  const frame: Frame = {
    width,
    ceiling,
    right,
    left: (value) =>
      coordinate(MARGIN.left + ((value - x.min) / (x.max - x.min || 1)) * (right - MARGIN.left)),
    top: (value) => coordinate(ceiling + (1 - (value - y.min) / (y.max - y.min || 1)) * (BOTTOM - ceiling)),
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

function spanShape(span: PlotSpan, index: number, frame: Frame): Markup {
  const left = frame.left(span.from);
  const width = coordinate(frame.left(span.to) - left);
  const top = frame.ceiling - SPAN_HEIGHT;
  const lines = twoLines(span.label, width / CHARACTER_WIDTH);
  return html`<g class="span${index % 2 ? ' odd' : ''}">
    <rect x="${left}" y="${top}" width="${width}" height="${BOTTOM - top}" />
    ${index > 0 && html`<path d="M${left} ${top}V${BOTTOM}" />`}
    <text
      ><title>${span.label}</title>${lines.map(
        (line, i) =>
          html`<tspan x="${coordinate(left + width / 2)}" y="${frame.ceiling - (lines.length - i) * 14 + 8}"
            >${line}</tspan
          >`,
      )}</text
    >
  </g>`;
}

/** A name broken at a space where one line cannot hold it; what does not fit in two is shortened. */
function twoLines(label: string, characters: number): string[] {
  if (label.length <= characters) return [label];
  const space = label.lastIndexOf(' ', characters);
  if (space <= 0) return [shortened(label, characters)];
  return [label.slice(0, space), shortened(label.slice(space + 1), characters)];
}

function axes(x: PlotAxis, y: PlotAxis, frame: Frame): Markup {
  return html`<g class="axes">
    ${y.ticks.map(
      (tick) =>
        html`<path class="grid" d="M${MARGIN.left} ${frame.top(tick)}H${frame.right}" />
          <text class="y" x="${MARGIN.left - 7}" y="${frame.top(tick) + 4}">${y.format(tick)}</text>`,
    )}
    <path class="base" d="M${MARGIN.left} ${BOTTOM}H${frame.right}" />
    ${x.ticks.map((tick) => html`<text class="x" x="${frame.left(tick)}" y="${BOTTOM + 16}">${x.format(tick)}</text>`)}
    <text class="x name" x="${coordinate((MARGIN.left + frame.right) / 2)}" y="${HEIGHT - 5}"
      >${x.label}</text
    >
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
          x="${coordinate(from)}"
          y="${frame.ceiling}"
          width="${coordinate(to - from)}"
          height="${BOTTOM - frame.ceiling}"
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
  const width = Math.min(frame.width - 8, characters * CHARACTER_WIDTH + 34);
  const left = frame.left(x);
  const boxLeft = coordinate(
    Math.min(Math.max(4, left > frame.width / 2 ? left - width - 10 : left + 10), frame.width - width - 2),
  );
  const lineTop = (row: number) => frame.ceiling + 17 + row * 17;
  return html`<g class="tip">
    <path class="rule" d="M${left} ${frame.ceiling}V${BOTTOM}" />
    ${rows.map(({ style, y }) => markerShape(style, left, frame.top(y), 4, 'mark'))}
    <rect
      class="box"
      x="${boxLeft}"
      y="${frame.ceiling}"
      width="${coordinate(width)}"
      height="${rows.length * 17 + 27}"
      rx="5"
    />
    <text class="heading" x="${boxLeft + 10}" y="${lineTop(0)}">${heading(x)}</text>
    ${rows.map(
      ({ label, style, text, kind }, i) =>
        html`${markerShape(style, boxLeft + 15, lineTop(i + 1) - 4, 3.4, kind)}
          <text x="${boxLeft + 25}" y="${lineTop(i + 1)}">${label}</text>
          <text class="value" x="${coordinate(boxLeft + width - 10)}" y="${lineTop(i + 1)}">${text}</text>`,
    )}
  </g>`;
}

function shortened(label: string, characters: number): string {
  return label.length > characters ? `${label.slice(0, Math.max(1, Math.floor(characters) - 1))}…` : label;
}
