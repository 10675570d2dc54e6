// Goal: exit, kill, status and as_user of a case are those of processes.

import test from 'ava';
import { answers, answersOf, stepsOf, type Script } from './scene.js';

test('a process that exits is seen to have, and answers nothing more', async (t) => {
  const script: Script = [
    [{ op: 'signals', by: 'B' }, 'none'],
    [{ op: 'status', target: 'B', ms: 10 }, 'running'],
    [{ op: 'exit', by: 'B' }, 'ok'],
    [{ op: 'status', target: 'B', ms: 10 }, 'exit:0'],
    [{ op: 'pd', by: 'B' }, 'exit:0'],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});

test('a killed process is seen to have been, and a name that is no signal is EINVAL', async (t) => {
  const script: Script = [
    [{ op: 'kill', target: 'B', sig: 'SIGBOGUS' }, 'EINVAL'],
    [{ op: 'kill', target: 'B', sig: 'SIGKILL' }, 'ok'],
    [{ op: 'status', target: 'B', ms: 10 }, 'SIGKILL'],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});

test('an ordinary user is bound by RLIMIT_MEMLOCK', async (t) => {
  const script: Script = [
    [{ op: 'mmap', len: 8192, share: 'private', as: 'a' }, 'ok'],
    [{ op: 'as_user', memlock: 4096 }, 'ok'],
    [{ op: 'pd', as: 'pd' }, 'ok'],
    [{ op: 'reg_mr', pd: 'pd', map: 'a', as: 'big' }, 'ENOMEM'],
    [{ op: 'reg_mr', pd: 'pd', map: 'a', len: 4096, as: 'mr' }, 'ok'],
    [{ op: 'vmpin' }, 1],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});
