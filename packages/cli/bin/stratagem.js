#!/usr/bin/env node
import module from 'node:module';

// Before anything else is imported: the next start takes the compiled code from the cache.
module.enableCompileCache?.();
await import('../dist/bin.js');
