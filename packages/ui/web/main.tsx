import { render } from 'preact';
import { App } from './app.js';
import { embeddedSource } from './embedded-source.js';
import { servedSource } from './served-source.js';

// The token has become a cookie; it does not stay in the address, the history or a link.
if (new URLSearchParams(location.search).has('token')) {
  history.replaceState(null, '', `${location.pathname}${location.hash}`);
}
const root = document.getElementById('app') as HTMLElement;
const source = (await embeddedSource()) ?? servedSource(root.dataset.journal);
render(<App source={source} />, root);
