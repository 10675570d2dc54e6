// Goal: the explorer finds what is planted here, and nothing where it is not planted.

import { truncateBugs } from '../../../lib/explore/planted/truncate.js';
import { testPlanted } from '../planted-suite.js';

testPlanted(truncateBugs);
