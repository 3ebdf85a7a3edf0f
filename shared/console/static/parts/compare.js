// The asset and its result, one over the other, under a slider.
import { html, useState } from '../vendor/htm-preact.js';
import { bytes, linkable, split } from '../format.js';

/** @param {{flow: Api.Flow}} props */
export function Compare({ flow }) {
  const [wanted, setWanted] = useState(false);
  const [at, setAt] = useState(50);
  const [actual, setActual] = useState(false);
  const [sizes, setSizes] = useState({ before: '', after: '' });
  const { result, digital_asset_url: source } = flow;
  const measured = (name) => (event) => {
    const { naturalWidth: width, naturalHeight: height } = event.target;
    setSizes((old) => ({ ...old, [name]: `${width} × ${height}` }));
  };
  const missing = (event) => setSizes((old) => ({ ...old, before: 'it can’t be loaded here' }));
  const isPicture = result?.media_type.startsWith('image/') && linkable(result.url);
  const both = wanted && isPicture;
  return html`<section aria-labelledby="pictures"><h2 id="pictures">${isPicture ? 'Before and after' : 'The asset'}</h2>
    <div class="tools">
      ${linkable(source) && !wanted && html`<button type="button" onClick=${() => setWanted(true)}>Load the asset from ${split(source).host}</button>`}
      ${(isPicture || wanted) && html`<div class="choices" role="group" aria-label="Size">
        <button type="button" aria-pressed=${!actual} onClick=${() => setActual(false)}>Fit</button>
        <button type="button" aria-pressed=${actual} onClick=${() => setActual(true)}>1:1</button></div>`}
      ${result && linkable(result.url) && html`<a href=${result.url} target="_blank" rel="noopener noreferrer">Open the result</a>`}
    </div>
    ${(isPicture || wanted) && html`<div class=${`compare checker ${actual ? 'actual' : ''}`}>
      ${isPicture && html`<img src=${result.url} alt="The result" onLoad=${measured('after')} />`}
      ${wanted && html`<img class=${both ? 'over' : ''} src=${source} alt="The asset" referrerpolicy="no-referrer" onLoad=${measured('before')} onError=${missing}
        style=${both ? { clipPath: `inset(0 ${100 - at}% 0 0)` } : {}} />`}
      ${both && html`<span class="edge" style=${{ left: `${at}%` }}></span>`}
    </div>`}
    ${both && html`<label class="slider"><span>asset</span><input type="range" min="0" max="100" value=${at} aria-label="How much of the asset is shown"
      onInput=${(event) => setAt(Number(event.target.value))} /><span>result</span></label>`}
    <p class="facts">${wanted && html`<span>asset ${sizes.before || '…'}</span>`}
      ${result && html`<span>result ${sizes.after} ${result.media_type}, ${bytes(result.bytes)}</span>`}</p>
  </section>`;
}
