import type { Results } from '../results.js';
import { accuracySection, normMarkup } from './accuracy-section.js';
import { diagnosticsSection } from './diagnostics-section.js';
import { html, Markup } from './html.js';
import { countText, durationText } from './number-text.js';
import { pictureSection, type PictureFiles } from './picture-section.js';
import { radiusSection } from './radius-section.js';
import { reproductionSection } from './reproduction-section.js';
import { shortLabels } from './short-label.js';
import { STYLE } from './style.js';
import { trainingSection } from './training-section.js';
import { verdict } from './verdict.js';

/**
 * The report of a run as one HTML file: no scripts, nothing loaded from outside, every text from outside escaped.
 *
 * @param pictures PNG files by the paths in `results.pictures[].files`
 */
export function renderReport(results: Results, pictures: PictureFiles = new Map()): string {
  return `${page(withShortLabels(results), pictures).text}\n`;
}

/** Names of models without what all of them share: the table gives the architecture anyway. */
function withShortLabels(results: Results): Results {
  const labels = shortLabels(results.models.map(({ label }) => label));
  return { ...results, models: results.models.map((model, i) => ({ ...model, label: labels[i] })) };
}

function page(results: Results, pictures: PictureFiles): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <meta name="referrer" content="no-referrer" />
        <title>${results.recipe.name}: adversarial robustness</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        ${pageHeader(results)}
        <main>
          ${accuracySection(results)} ${radiusSection(results)} ${trainingSection(results)}
          ${pictureSection(results, pictures)} ${diagnosticsSection(results)} ${reproductionSection(results)}
        </main>
        ${pageFooter(results)}
      </body>
    </html>`;
}

function pageHeader(results: Results): Markup {
  const sentence = verdict(results);
  const seconds = results.timings.reduce((sum, timing) => sum + timing.seconds, 0);
  const fact = (name: string, value: string) =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  return html`<header class="page">
    <p class="eyebrow">revat, adversarial robustness report</p>
    <h1>${results.recipe.name}</h1>
    <p class="verdict">
      ${
        sentence
          ? html`${sentence.model}: <strong>${sentence.highlight}</strong> withstand ${sentence.protocol}
              within ${normMarkup(sentence.norm)} ${sentence.radius}${sentence.after}`
          : 'No attack was run.'
      }
    </p>
    <dl class="facts">
      ${fact('Data', results.data.name)}
      ${fact('Images attacked', countText(results.models[0]?.clean.total ?? 0))}
      ${fact('Models', String(results.models.length))} ${fact('Seed', String(results.recipe.seed))}
      ${seconds > 0 && fact('Time', durationText(seconds))} ${fact('Date', results.created.slice(0, 10))}
    </dl>
  </header>`;
}

function pageFooter({ version }: Results): Markup {
  return html`<footer class="page">
    <hr />
    <p>
      An image counts as robust if the model classifies it correctly and no attack of the protocol found a
      misclassified image within the radius, in [0, 1]. Robust accuracy is an upper bound on the true one: a
      stronger attack may lower it.
    </p>
    <p>
      Threat models, protocols and radii follow Singh, Croce and Hein, “Revisiting Adversarial Training for
      ImageNet”, NeurIPS 2023; AutoAttack is due to Croce and Hein, ICML 2020 and 2021. Intervals are Wilson
      score intervals at 95${'\u202f'}%. Results schema version ${version}.
    </p>
  </footer>`;
}
