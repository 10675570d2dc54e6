// Goal: the explorer finds what is planted here, and nothing where it is not planted.

import { queueBugs } from '../../../lib/explore/planted/queues.js';
import { testPlanted } from '../planted-suite.js';

testPlanted(queueBugs);
