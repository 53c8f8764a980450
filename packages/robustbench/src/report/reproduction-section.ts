import type { Results } from '../results.js';
import { html, type Markup } from './html.js';
import { bytesText, countText, durationText } from './number-text.js';

/** What it takes to get the same numbers again. */
export function reproductionSection(results: Results): Markup {
  const { recipe, device, data, timings, files } = results;
  return html`<section aria-labelledby="reproduction">
    <h2 id="reproduction">Reproduction</h2>
    <p class="lead">The same seed gives the same numbers, on any number of processes, interrupted or not.</p>
    ${recipe.command !== null && html`<pre><code>${recipe.command}</code></pre>`}
    <div class="columns-2">
      ${factTable('Machine', [
        ['engine', [device.backend, device.provider].filter(Boolean).join(', ')],
        ['threads', device.threads],
        ['processor', `${device.processor}, ${device.cores} cores`],
        ['memory', bytesText(device.memoryBytes)],
        ['platform', device.platform],
      ])}
      ${factTable('Versions', Object.entries(recipe.versions))}
      ${factTable('Data', [
        ['name', data.name],
        ['classes', data.classNames.length],
        ['image size', `${data.imageSize} × ${data.imageSize}`],
        ['training images', data.trainImages === null ? null : countText(data.trainImages)],
        ['test images', countText(data.testImages)],
        ['seed', recipe.seed],
      ])}
      ${factTable('Time', [
        ...timings.map(({ name, seconds }) => [name, durationText(seconds)] as const),
        ['finished', results.created],
      ])}
    </div>
    ${
      files.length > 0 &&
      factTable(
        'Files',
        files.map(({ path, description }) => [path, description]),
      )
    }
    ${
      Object.keys(recipe.settings).length > 0 &&
      html`<details>
        <summary>All settings</summary>
        <pre><code>${JSON.stringify(recipe.settings, null, 2)}</code></pre>
      </details>`
    }
  </section>`;
}

function factTable(
  title: string,
  facts: readonly (readonly [string, string | number | null])[],
): Markup | null {
  const known = facts.filter(([, value]) => value !== null && value !== '');
  if (known.length === 0) return null;
  return html`<div>
    <h3>${title}</h3>
    <table class="small facts">
      <tbody>
        ${known.map(
          ([name, value]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td>${value}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
