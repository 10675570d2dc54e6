// Stress scenarios as a user writes them: in a module that threads import by its URL.

import { type StressScenario, threadScenarioNamed } from '../../lib/explore/index.js';

const fast = threadScenarioNamed('threads-gup-fast');

/** Sound, but of our own. */
export const own: StressScenario = {
  ...fast,
  name: 'own',
  title: 'a protocol from elsewhere',
  url: import.meta.url,
};

/** Whose threads die when they begin; the truncating thread does not. */
export const dying: StressScenario = {
  ...own,
  name: 'dying',
  protocol(memory, thread) {
    if (thread < memory.nrThreads) throw new Error(`thread ${thread} is not well`);
    return fast.protocol(memory, thread);
  },
};

/** Exported nowhere. */
export const nameless = (): StressScenario => ({ ...own, name: 'nowhere' });
