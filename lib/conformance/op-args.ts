// The language of the recorded cases: every operation with its arguments, `?` marks optional ones.
//
// Offsets and lengths are bytes, times milliseconds; `by`, `as` and `bg` belong to every step.

export type ArgKind = 'bool' | 'byte' | 'int' | 'len' | 'name' | 'names' | 'text';

type Args = Readonly<Record<string, ArgKind>>;

const memory: Args = { map: 'name', 'off?': 'int', 'len?': 'int' };
const buffer: Args = { fd: 'name', i: 'int', 'mem?': 'name', 'type?': 'int' };
const user: Args = { 'map?': 'name', 'off?': 'int', 'len?': 'int' };

export const opArgs: Readonly<Record<string, Args>> = {
  // files
  open: { on: 'name', name: 'name', 'flags?': 'names', 'mode?': 'int' },
  close: { fd: 'name' },
  fsync: { fd: 'name' },
  write: { fd: 'name', off: 'int', byte: 'byte', len: 'len' },
  read: { fd: 'name', off: 'int', len: 'len' },
  truncate: { fd: 'name', len: 'int' },
  truncate_path: { on: 'name', name: 'name', len: 'int' },
  fallocate: { fd: 'name', mode: 'name', off: 'int', len: 'int' },
  unlink: { on: 'name', name: 'name' },
  rename: { on: 'name', frm: 'name', to: 'name' },
  size: { fd: 'name' },
  free_mark: { on: 'name' },
  free_delta: { on: 'name' },
  // memory
  mmap: { len: 'int', 'fd?': 'name', 'prot?': 'text', 'share?': 'name', 'off?': 'int' },
  munmap: memory,
  mprotect: { map: 'name', prot: 'text' },
  mlock: memory,
  madvise: { ...memory, advice: 'name' },
  store: { map: 'name', off: 'int', byte: 'byte', len: 'len' },
  load: { map: 'name', off: 'int', len: 'len' },
  // pins
  pin: memory,
  unpin: { pin: 'name' },
  dio: { fd: 'name', dir: 'name', off: 'int', len: 'len', map: 'name', 'moff?': 'int' },
  uring_reg: memory,
  uring_close: { ring: 'name' },
  vmpin: {},
  // leases
  lease: { fd: 'name', type: 'name' },
  getlease: { fd: 'name' },
  lease_break_time: { s: 'int' },
  signals: {},
  // verbs
  pd: {},
  dealloc_pd: { pd: 'name' },
  reg_mr: { pd: 'name', map: 'name', 'off?': 'int', 'len?': 'int', 'access?': 'names' },
  dereg_mr: { mr: 'name' },
  rereg_mr: {
    mr: 'name',
    flags: 'names',
    'pd?': 'name',
    'map?': 'name',
    'off?': 'int',
    'len?': 'int',
    'access?': 'names',
  },
  mw: { pd: 'name' },
  dealloc_mw: { mw: 'name' },
  bind_mw: {
    qp: 'name',
    mw: 'name',
    mr: 'name',
    'off?': 'int',
    'len?': 'int',
    'access?': 'names',
    'end?': 'int',
  },
  qp_pair: { pd: 'name', 'access?': 'names' },
  rdma: {
    qp: 'name',
    verb: 'name',
    'lmr?': 'name',
    'loff?': 'int',
    'len?': 'int',
    'rmr?': 'name',
    'roff?': 'int',
    'rkey?': 'int',
    'add?': 'int',
    'cmp?': 'int',
    'swap?': 'int',
    'end?': 'int',
  },
  recv: { qp: 'name', mr: 'name', 'off?': 'int', 'len?': 'int', 'end?': 'int' },
  poll_cq: { qp: 'name', 'end?': 'int' },
  qp_state: { qp: 'name', 'end?': 'int' },
  // v4l2
  v_open: { 'flags?': 'names' },
  v_fmt: { fd: 'name', w: 'int', h: 'int', fourcc: 'name' },
  v_reqbufs: { fd: 'name', mem: 'name', count: 'int', 'type?': 'int' },
  v_create: { fd: 'name', mem: 'name', count: 'int', 'type?': 'int' },
  v_querybuf: buffer,
  v_qbuf: { ...buffer, ...user },
  v_prepare: { ...buffer, ...user },
  v_dqbuf: { fd: 'name', 'mem?': 'name', 'type?': 'int', 'show?': 'name' },
  v_mmap: { fd: 'name', i: 'int' },
  v_expbuf: { fd: 'name', i: 'int' },
  v_read: { fd: 'name', len: 'len' },
  v_streamon: { fd: 'name', 'type?': 'int' },
  v_streamoff: { fd: 'name', 'type?': 'int' },
  v_poll: { fd: 'name', ms: 'len' },
  // processes
  exit: {},
  kill: { target: 'name', sig: 'name' },
  status: { target: 'name', ms: 'len' },
  as_user: { 'memlock?': 'int' },
  // time
  sleep: { ms: 'len' },
  finish: { of: 'name', 'ms?': 'len' },
};
