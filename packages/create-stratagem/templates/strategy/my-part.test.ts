import { test } from 'node:test';
import { strategyConformance } from '@stratagem/core/testing';
import { myPart } from './my-part.ts';

for (const { name, run } of strategyConformance(() => myPart())) test(`myPart ${name}`, run);
