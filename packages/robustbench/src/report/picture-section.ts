import { formatRadius } from '@revat/core';

import type { Picture, Results } from '../results.js';
import { namedModel, normMarkup } from './accuracy-section.js';
import { html, type Markup } from './html.js';
import { percent, shortNumber } from './number-text.js';

/** PNG files by the path that `results.pictures[].files` names. */
export type PictureFiles = ReadonlyMap<string, Uint8Array>;

/** Images up to this side are drawn with hard pixels: smoothing would hide what was changed. */
const PIXELATED_SIDE = 96;

/** Clean image, adversarial image and magnified difference of some broken images, by threat model. */
export function pictureSection(results: Results, files: PictureFiles): Markup | null {
  if (results.pictures.length === 0) return null;
  return html`<section aria-labelledby="pictures">
    <h2 id="pictures">Adversarial examples</h2>
    <p class="lead">
      Images that a model classifies correctly, and the perturbed images that it does not. The difference is
      magnified around gray: gray pixels are unchanged.
    </p>
    ${results.threatModels.map((threat) => {
      const pictures = results.pictures.filter(({ threatModel }) => threatModel === threat.id);
      if (pictures.length === 0) return null;
      return html`<h3>${normMarkup(threat.norm)} ${formatRadius(threat.eps)}</h3>
        <div class="examples">${pictures.map((picture) => example(results, picture, files))}</div>`;
    })}
  </section>`;
}

function example({ models, data, threatModels }: Results, picture: Picture, files: PictureFiles): Markup {
  const style = models.findIndex(({ id }) => id === picture.model);
  const norm = threatModels.find(({ id }) => id === picture.threatModel)?.norm ?? 'Linf';
  const name = (index: number) => data.classNames[index] ?? `class ${index}`;
  const { clean, adversarial, label } = picture;
  return html`<figure class="example">
    <figcaption>
      <b>${name(clean.class)} → ${name(adversarial.class)}</b><br />
      ${namedModel(style, `${models[style].label}, image ${picture.sampleId}`)}
    </figcaption>
    <div class="triptych">
      <div>
        ${image(picture, files, 'clean', `clean image of class ${name(label)}`)}
        ${predictionText('clean', name(clean.class), clean.confidence, clean.class === label)}
      </div>
      <div>
        ${image(picture, files, 'adversarial', `adversarial image, classified as ${name(adversarial.class)}`)}
        ${predictionText('adversarial', name(adversarial.class), adversarial.confidence, adversarial.class === label)}
      </div>
      <div>
        ${image(picture, files, 'difference', `difference, magnified ${picture.magnification.toPrecision(2)} times`)}
        <span class="what">difference</span>
        <span class="class">× ${picture.magnification.toPrecision(2)}</span>
        ${normMarkup(norm)} = ${shortNumber(picture.distance)}
      </div>
    </div>
  </figure>`;
}

function predictionText(what: string, name: string, confidence: number, right: boolean): Markup {
  return html`<span class="what">${what}</span
    ><span class="class ${right ? 'right' : 'wrong'}">${name}</span> ${percent(confidence)}`;
}

function image(
  picture: Picture,
  files: PictureFiles,
  kind: keyof Picture['files'],
  alt: string,
): Markup | string {
  const bytes = files.get(picture.files[kind]);
  if (!bytes) return html`<span class="what">(picture ${picture.files[kind]} is missing)</span>`;
  const style = Math.max(picture.width, picture.height) <= PIXELATED_SIDE ? 'pixelated' : 'smooth';
  return html`<img
    class="${style}"
    alt="${alt}"
    width="${picture.width}"
    height="${picture.height}"
    src="data:image/png;base64,${Buffer.from(bytes).toString('base64')}"
  />`;
}
