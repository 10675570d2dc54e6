// Goal: the explorer finds what is planted here, and nothing where it is not planted.

import { leaseBugs } from '../../../lib/explore/planted/leases.js';
import { testPlanted } from '../planted-suite.js';

testPlanted(leaseBugs);
