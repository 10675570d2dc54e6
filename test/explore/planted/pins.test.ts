// Goal: the explorer finds what is planted here, and nothing where it is not planted.

import { pinBugs } from '../../../lib/explore/planted/pins.js';
import { testPlanted } from '../planted-suite.js';

testPlanted(pinBugs);
