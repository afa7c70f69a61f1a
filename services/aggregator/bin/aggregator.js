#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// State lives long and its samples change with every event, so old garbage grows with the log: left to itself the
// heap becomes four times what is alive before it is swept. Half as much again costs a few per cent of time.
setFlagsFromString('--heap-growing-percent=50');
await import('../dist/main.js');
