#!/usr/bin/env node
await import(new URL('bin/stratagem.js', import.meta.resolve('@stratagem/cli/package.json')).href);
