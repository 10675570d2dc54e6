/** The source of a module with its private members opened. path: two classes may share names. */
export function openFields(source: string, path: string): string;
