import { providerConformance } from '@stratagem/test-kit';
import { SUBJECT } from '../test/subject.js';

providerConformance(SUBJECT);
