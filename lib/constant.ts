// Objects that nobody writes to once they are made: environments, tables of operations, rules.
// Being frozen says so to whoever comes across one; an exploration need not put it back
// (lib/explore/heap-snapshot.ts).

/** The object itself, frozen. */
export const constant = <T extends object>(object: T): T => Object.freeze(object);
