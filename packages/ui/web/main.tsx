import { render } from 'preact';
import { App } from './app.js';
import { embeddedSource } from './embedded-source.js';
import { servedSource } from './served-source.js';

const root = document.getElementById('app') as HTMLElement;
const source = (await embeddedSource()) ?? servedSource(root.dataset.journal);
render(<App source={source} />, root);
