import type { Results, TrainingEpoch, TrainingReport } from '../results.js';
import { html, type Markup } from './html.js';
import { durationText, percent, shortNumber } from './number-text.js';
import { niceTicks } from './nice-ticks.js';
import { linePlot, type PlotAxis, type PlotSeries, type PlotSpan } from './plot.js';
import { plotLegend } from './plot-marker.js';

const CLEAN = { label: 'clean', style: 2, dashed: true };
const ADVERSARIAL = { label: 'adversarial', style: 1 };
const LOSS = { label: 'loss', style: 5 };

interface NumberedEpoch extends TrainingEpoch {
  /** Counted over all stages of the run. */
  readonly x: number;
}

/** Loss and accuracy by epoch, one row of plots per trained network. */
export function trainingSection({ training }: Results): Markup | null {
  const runs = training.filter(({ stages }) => stages.some(({ epochs }) => epochs.length > 0));
  if (runs.length === 0) return null;
  return html`<section aria-labelledby="training">
    <h2 id="training">Training</h2>
    <p class="lead">
      Training loss, and accuracy by epoch on clean images and on images attacked as in training. Stages
      follow one another; each starts from the weights of the one before.
    </p>
    ${runs.map((run) => html`${runs.length > 1 && html`<h3>${run.label}</h3>`} ${runPlots(run)}`)}
  </section>`;
}

function runPlots(run: TrainingReport): Markup {
  const epochs = numberEpochs(run);
  const last = epochs.length;
  const x: PlotAxis = {
    label: 'epoch',
    min: 0.5,
    max: last + 0.5,
    ticks: [
      ...new Set([
        1,
        ...niceTicks(0, last, 6).filter((tick) => Number.isInteger(tick) && tick >= 1 && tick <= last),
      ]),
    ],
    format: String,
  };
  const spans = stageSpans(run);
  const heading = (epoch: number) => {
    const index = spans.findIndex(({ from, to }) => epoch > from && epoch < to);
    return `${run.stages[index]?.label ?? ''}, epoch ${epoch - Math.ceil(spans[index]?.from ?? 0) + 1}`;
  };
  const highest = Math.max(...epochs.map(({ loss }) => loss), 0);
  const lowest = Math.min(...epochs.map(({ loss }) => loss), 0);
  const lossTicks = niceTicks(lowest, highest);
  const accuracies = accuracySeries(epochs);
  return html`<div class="plots">
      <figure class="chart">
        <figcaption>Loss</figcaption>
        ${linePlot({
          description: `${run.label}: training loss by epoch`,
          x,
          y: {
            label: 'loss',
            min: lossTicks[0],
            max: lossTicks[lossTicks.length - 1],
            ticks: lossTicks,
            format: String,
          },
          series: [{ ...LOSS, points: epochs.map(({ x: epoch, loss }) => ({ x: epoch, y: loss })) }],
          spans,
          heading,
          value: shortNumber,
        })}
      </figure>
      ${
        accuracies.length > 0 &&
        html`<figure class="chart">
          <figcaption>Accuracy</figcaption>
          ${linePlot({
            description: `${run.label}: accuracy by epoch, ${accuracies.map(({ label }) => label).join(' and ')}`,
            x,
            y: SHARE_AXIS,
            series: accuracies,
            spans,
            heading,
            value: (share) => percent(share),
          })}
          ${plotLegend(accuracies)}
        </figure>`
      }
    </div>
    ${epochTable(run)}`;
}

/** The y axis of every accuracy plot: all of them can be compared. */
export const SHARE_AXIS: PlotAxis = {
  label: 'accuracy',
  min: 0,
  max: 1,
  ticks: [0, 0.2, 0.4, 0.6, 0.8, 1],
  format: (share) => percent(share, 0),
};

function accuracySeries(epochs: readonly NumberedEpoch[]): PlotSeries[] {
  const points = (field: 'cleanAccuracy' | 'adversarialAccuracy') =>
    epochs.flatMap((epoch) => (epoch[field] === null ? [] : [{ x: epoch.x, y: epoch[field] }]));
  return [
    { ...CLEAN, points: points('cleanAccuracy') },
    { ...ADVERSARIAL, points: points('adversarialAccuracy') },
  ].filter((series) => series.points.length > 0);
}

function numberEpochs({ stages }: TrainingReport): NumberedEpoch[] {
  return stages.flatMap(({ epochs }) => epochs).map((epoch, i) => ({ ...epoch, x: i + 1 }));
}

function stageSpans({ stages }: TrainingReport): PlotSpan[] {
  let from = 0.5;
  return stages.map(({ label, epochs }) => {
    const span = { from, to: from + epochs.length, label };
    from = span.to;
    return span;
  });
}

function epochTable({ label, stages }: TrainingReport): Markup {
  const share = (value: number | null) => (value === null ? '' : percent(value));
  return html`<details>
    <summary>Numbers by epoch</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="${label}: numbers by epoch">
      <table class="small">
        <thead>
          <tr>
            <th scope="col"></th>
            <th scope="col">epoch</th>
            <th scope="col">loss</th>
            <th scope="col">clean</th>
            <th scope="col">adversarial</th>
            <th scope="col">learning rate</th>
            <th scope="col">time</th>
          </tr>
        </thead>
        <tbody>
          ${stages.flatMap((stage) =>
            stage.epochs.map(
              (epoch) =>
                html`<tr>
                  <th scope="row">${stage.label}</th>
                  <td>${epoch.epoch}</td>
                  <td>${epoch.loss.toFixed(4)}</td>
                  <td>${share(epoch.cleanAccuracy)}</td>
                  <td>${share(epoch.adversarialAccuracy)}</td>
                  <td>${epoch.learningRate === null ? '' : shortNumber(epoch.learningRate)}</td>
                  <td>${durationText(epoch.seconds)}</td>
                </tr>`,
            ),
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
