// How wide lines of text may be: as the terminal is, up to 100 columns. What goes to a file or to
// another program is not broken: one line stays one line there.

export const textColumns = (): number =>
  process.stdout.isTTY ? Math.min(100, process.stdout.columns) : Infinity;
