// Goal: the explorer finds what is planted here, and nothing where it is not planted.

import { revocationBugs } from '../../../lib/explore/planted/revocation.js';
import { testPlanted } from '../planted-suite.js';

testPlanted(revocationBugs);
