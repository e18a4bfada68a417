import { bundle } from '../../rolldown.base.js';

export default bundle(import.meta.dirname, {
  // Who writes a strategy, a provider or a journal imports these, and needs little of what runs plans.
  smallEntries: ['strategy', 'runner', 'batch', 'journal'],
  // Zod is 95 files, most of them messages in other languages. Its copies share their registry and settings.
  inlined: ['zod'],
});
