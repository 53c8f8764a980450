import { html, type Markup } from './html.js';
import type { PlotSeries } from './plot.js';

/** The marker of a style, as it stands in plots: circle, square, triangle, diamond, then circles again. */
export function markerShape(style: number, left: number, top: number, size: number, kind: string): Markup {
  const className = `${kind} s${style % 6}`;
  const s = size * 0.9;
  switch (style % 4) {
    case 1:
      return html`<rect
        class="${className}"
        x="${coordinate(left - s)}"
        y="${coordinate(top - s)}"
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
  return html`<polygon class="${className}" points="${coordinates.map(coordinate).join(' ')}" />`;
}

/** A coordinate as it stands in SVG: to a tenth of a pixel. */
export function coordinate(value: number): number {
  return Math.round(value * 10) / 10;
}
