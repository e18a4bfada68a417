import { chaosConformance } from '@stratagem/test-kit';
import { SUBJECT } from '../test/subject.js';

chaosConformance(SUBJECT);
