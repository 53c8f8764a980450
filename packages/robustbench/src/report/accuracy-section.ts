import type { Accuracy } from '../accuracy.js';
import { formatRadius, type NormName } from '@revat/core';

import type { ModelResult, Results, ThreatResult } from '../results.js';
import { protocolLabel } from '../threat-model.js';
import { html, type Markup } from './html.js';
import { countText, durationText, percent } from './number-text.js';
import { markerShape } from './plot-marker.js';

type ThreatColumn = Results['threatModels'][number];

/** The norm as papers write it. */
export function normMarkup(norm: NormName): Markup {
  return html`ℓ<sub>${norm === 'Linf' ? '∞' : norm.slice(1)}</sub>`;
}

/** Models x threat models, and below it what each attack contributed and cost. */
export function accuracySection(results: Results): Markup {
  return html`<section aria-labelledby="accuracy">
    <h2 id="accuracy">Robust accuracy</h2>
    <p class="lead">
      Share of test images that a model classifies correctly and that no attack of the protocol could break.
      Whiskers show the 95${'\u202f'}% interval that the number of images allows; the best model of each
      column is bold.
    </p>
    ${accuracyTable(results)} ${results.threatModels.map((threat) => attackTable(results, threat))}
  </section>`;
}

function accuracyTable({ models, threatModels }: Results): Markup {
  // Seen threat models first, as the paper's Table 1 has them.
  const columns = [...threatModels].sort((a, b) => Number(b.seen) - Number(a.seen));
  const seen = columns.filter((threat) => threat.seen).length;
  const bestClean = Math.max(...models.map(({ clean }) => clean.accuracy));
  const best = columns.map(({ id }) =>
    Math.max(...models.map((model) => threatOf(model, id)?.robust.accuracy ?? 0)),
  );
  return html`<div
    class="scroll"
    tabindex="0"
    role="region"
    aria-label="Accuracy of each model under each threat model"
  >
    <table class="accuracy">
      <thead>
        <tr>
          <td colspan="2"></td>
          ${groupHead('Seen in training', seen)} ${groupHead('Unseen', columns.length - seen)}
        </tr>
        <tr>
          <th scope="col"></th>
          <th scope="col" class="threat"><b>Clean</b><small>no attack</small></th>
          ${columns.map(
            ({ norm, eps, protocol }) =>
              html`<th scope="col" class="threat">
                <b>${normMarkup(norm)} ${formatRadius(eps)}</b><small>${protocolLabel(protocol)}</small>
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${models.map(
          (model, row) =>
            html`<tr>
              <th scope="row">
                ${namedModel(row, model.label)}
                <small
                  >${[model.architecture, parameterText(model.parameters)].filter(Boolean).join(' · ')}</small
                >
              </th>
              ${accuracyCell(model.clean, bestClean, row)}
              ${columns.map(({ id }, i) => accuracyCell(threatOf(model, id)?.robust, best[i], row))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function groupHead(label: string, columns: number): Markup | null {
  return columns > 0
    ? html`<th scope="colgroup" colspan="${columns}" class="group"><span>${label}</span></th>`
    : null;
}

function parameterText(parameters: number | null): string {
  if (parameters === null) return '';
  return parameters >= 1e6
    ? `${(parameters / 1e6).toFixed(1)} M parameters`
    : `${countText(parameters)} parameters`;
}

/** A model's name with its mark of the plots in front. */
export function namedModel(style: number, label: string): Markup {
  return html`<span class="named"
    ><svg class="swatch-box" viewBox="0 0 12 12" aria-hidden="true">
      ${markerShape(style, 6, 6, 4.6, 'swatch')}</svg
    ><span>${label}</span></span
  >`;
}

function accuracyCell(accuracy: Accuracy | undefined, best: number, row: number): Markup {
  if (!accuracy) return html`<td class="none">not evaluated</td>`;
  return html`<td class="${accuracy.accuracy === best && best > 0 ? 'best' : ''}">
    <span class="share">${percent(accuracy.accuracy)}</span>
    ${bar(accuracy, row)}
    <span class="counts">${accuracy.correct} of ${accuracy.total}</span>
  </td>`;
}

function bar({ accuracy, interval: [low, high] }: Accuracy, row: number): Markup {
  const [value, from, to] = [accuracy, low, high].map((share) => Math.round(share * 1000) / 10);
  return html`<svg class="bar" viewBox="0 0 100 11" preserveAspectRatio="none" aria-hidden="true">
    <rect class="track" y="3" width="100" height="5" />
    <rect class="fill s${row % 6}" y="3" width="${value}" height="5" />
    <path class="whisker" d="M${from} 1V10M${from} 5.5H${to}M${to} 1V10" />
  </svg>`;
}

/** After each attack of one protocol: how many images were left, and what it cost. */
function attackTable({ models }: Results, threat: ThreatColumn): Markup | null {
  const rows = models.flatMap((model) => {
    const result = threatOf(model, threat.id);
    return result ? [{ model, result }] : [];
  });
  const names = [...new Set(rows.flatMap(({ result }) => result.attacks.map(({ name }) => name)))];
  if (names.length === 0) return null;
  return html`<h3>
      ${normMarkup(threat.norm)} ${formatRadius(threat.eps)}, ${protocolLabel(threat.protocol)}: after each
      attack
    </h3>
    <div class="scroll" tabindex="0" role="region" aria-label="${threat.label}: after each attack">
      <table class="small">
        <thead>
          <tr>
            <th scope="col"></th>
            <th scope="col">clean</th>
            ${names.map((name) => html`<th scope="col">${name}</th>`)}
            <th scope="col">forward passes</th>
            <th scope="col">backward passes</th>
            <th scope="col">time</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ model, result }) =>
              html`<tr>
                <th scope="row">${namedModel(models.indexOf(model), model.label)}</th>
                <td>${percent(model.clean.accuracy)}</td>
                ${names.map((name) => attackCell(result, name))}
                <td>${countText(result.forward)}</td>
                <td>${countText(result.backward)}</td>
                <td>${durationText(result.seconds)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function attackCell(result: ThreatResult, name: string): Markup {
  const attack = result.attacks.find((candidate) => candidate.name === name);
  if (!attack) return html`<td class="none">not needed</td>`;
  return html`<td>${percent(attack.robust / result.robust.total)}</td>`;
}

function threatOf(model: ModelResult, id: string): ThreatResult | undefined {
  return model.threats.find(({ threatModel }) => threatModel === id);
}
