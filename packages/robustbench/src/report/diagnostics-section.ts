import type { Finding, Results } from '../results.js';
import { html, type Markup } from './html.js';

const ORDER = ['error', 'warning', 'info'] as const;
const TITLES = {
  error: 'The result is meaningless',
  warning: 'Robustness may be overestimated',
  info: 'Good to know',
};

interface PlacedFinding extends Finding {
  readonly where: string;
}

/** What the model doctor and the attacks noticed: nothing suspicious is hidden in a log. */
export function diagnosticsSection({ models, threatModels }: Results): Markup {
  const findings: PlacedFinding[] = models.flatMap(({ label, findings: own, threats }) => [
    ...own.map((finding) => ({ ...finding, where: label })),
    ...threats.flatMap(({ threatModel, findings: found }) =>
      found.map((finding) => ({
        ...finding,
        where: `${label}, ${threatModels.find(({ id }) => id === threatModel)?.label ?? threatModel}`,
      })),
    ),
  ]);
  findings.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  return html`<section aria-labelledby="diagnostics">
    <h2 id="diagnostics">Diagnostics</h2>
    ${
      findings.length === 0
        ? html`<p class="lead">
            Nothing suspicious: the models gave finite logits, the gradients did not vanish, and every claimed
            break was reproduced by a fresh forward pass.
          </p>`
        : html`<ul class="findings">
            ${findings.map(
              (finding) =>
                html`<li class="${finding.severity}">
                  <span class="kind">${TITLES[finding.severity]}</span>
                  <small>${finding.where} · ${finding.code}</small>
                  <p>${finding.message} ${finding.consequence}</p>
                  <p class="fix">${finding.fix}</p>
                </li>`,
            )}
          </ul>`
    }
  </section>`;
}
