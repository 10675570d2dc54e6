// Goal: on whole machines too the explorer finds what Linux had, and the referee says so; their
// twins stand up to three preemptions.

import { machineBugs } from '../../../lib/explore/planted/machines.js';
import { testPlanted } from '../planted-suite.js';

testPlanted(machineBugs, 3);
