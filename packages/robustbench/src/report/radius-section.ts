import { formatRadius, NORM_NAMES, type NormName } from '@revat/core';

import type { RadiusCurve, Results } from '../results.js';
import { protocolLabel } from '../threat-model.js';
import { normMarkup } from './accuracy-section.js';
import { html, type Markup } from './html.js';
import { percent, shortNumber } from './number-text.js';
import { niceTicks } from './nice-ticks.js';
import { linePlot, type PlotSeries } from './plot.js';
import { plotLegend } from './plot-marker.js';
import { SHARE_AXIS } from './training-section.js';

/** Robust accuracy against radius: one plot per norm, one line per model. */
export function radiusSection(results: Results): Markup | null {
  const norms = NORM_NAMES.filter((norm) => results.radiusCurves.some((curve) => curve.norm === norm));
  if (norms.length === 0) return null;
  const protocols = [...new Set(results.radiusCurves.map(({ protocol }) => protocolLabel(protocol)))];
  const models = results.models
    .map(({ id, label }, style) => ({ id, label, style }))
    .filter(({ id }) => results.radiusCurves.some(({ model }) => model === id));
  return html`<section aria-labelledby="radius">
    <h2 id="radius">Robust accuracy against radius</h2>
    <p class="lead">
      Each curve falls from the clean accuracy as the attacker is allowed more. The attack is a cheap one,
      ${protocols.join(' and ')}, so the curves are upper bounds; an image broken at one radius counts as
      broken at every larger one. Large hollow marks are the results of the table above.
    </p>
    ${plotLegend(models, 'result of the table')}
    <div class="plots narrow">${norms.map((norm) => normPlot(results, norm))}</div>
    ${radiusTables(results, norms)}
  </section>`;
}

function normPlot(results: Results, norm: NormName): Markup {
  const series = results.radiusCurves
    .filter((curve) => curve.norm === norm)
    .map((curve) => curveSeries(results, curve));
  const largest = Math.max(
    ...series.flatMap(({ points, extra = [] }) => [...points, ...extra].map(({ x }) => x)),
  );
  const ticks = niceTicks(0, largest, 5).filter((tick) => tick <= largest * 1.0001);
  return html`<figure class="chart">
    <figcaption>${normMarkup(norm)}</figcaption>
    ${linePlot({
      description: `Robust accuracy against ${norm} radius: ${series.map(({ label }) => label).join(', ')}`,
      size: 'narrow',
      x: { label: 'radius', min: 0, max: largest, ticks, format: String },
      y: SHARE_AXIS,
      series,
      heading: (radius) => `radius ${radius === 0 ? 0 : formatRadius(radius)}`,
      value: (share) => percent(share),
    })}
  </figure>`;
}

function curveSeries({ models, threatModels }: Results, curve: RadiusCurve): PlotSeries {
  const style = models.findIndex(({ id }) => id === curve.model);
  const model = models[style];
  const extra = model.threats.flatMap(({ threatModel, robust }) => {
    const threat = threatModels.find(({ id }) => id === threatModel);
    return threat?.norm === curve.norm ? [{ x: threat.eps, y: robust.accuracy }] : [];
  });
  return {
    label: model.label,
    style,
    points: curve.points.map(({ eps, robust }) => ({ x: eps, y: robust / curve.total })),
    extra,
  };
}

function radiusTables({ models, radiusCurves }: Results, norms: readonly NormName[]): Markup {
  return html`<details>
    <summary>Numbers by radius</summary>
    ${norms.map((norm) => {
      const curves = radiusCurves.filter((curve) => curve.norm === norm);
      const radii = [...new Set(curves.flatMap(({ points }) => points.map(({ eps }) => eps)))].sort(
        (a, b) => a - b,
      );
      return html`<div
        class="scroll"
        tabindex="0"
        role="region"
        aria-label="${norm}: robust accuracy by radius"
      >
        <table class="small">
          <thead>
            <tr>
              <th scope="col">${normMarkup(norm)} radius</th>
              ${radii.map((eps) => html`<th scope="col">${shortNumber(eps)}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${curves.map(
              (curve) =>
                html`<tr>
                  <th scope="row">${models.find(({ id }) => id === curve.model)?.label}</th>
                  ${radii.map((eps) => {
                    const point = curve.points.find((candidate) => candidate.eps === eps);
                    return html`<td>${point && percent(point.robust / curve.total)}</td>`;
                  })}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`;
    })}
  </details>`;
}
