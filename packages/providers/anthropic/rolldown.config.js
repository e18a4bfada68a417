import { bundle } from '../../../rolldown.base.js';
import manifest from './package.json' with { type: 'json' };

export default bundle(manifest);
