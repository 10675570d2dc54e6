// Goal: on whole machines too the explorer finds what Linux had, and the referee says so. Twins are
// explored to fewer preemptions here, since a schedule boots a machine; the command goes further.

import { machineBugs } from '../../../lib/explore/planted/machines.js';
import { testPlanted } from '../planted-suite.js';

testPlanted(machineBugs, 1);
