import { bundle } from '../../../rolldown.base.js';

export default bundle(import.meta.dirname);
