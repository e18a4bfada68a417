import { bundle } from '../../rolldown.base.js';
import manifest from './package.json' with { type: 'json' };

// Who writes a strategy, a provider or a journal imports these, and needs little of what runs plans.
export default bundle(manifest, ['strategy', 'runner', 'batch', 'journal']);
