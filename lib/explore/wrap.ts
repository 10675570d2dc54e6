// Text in lines of so many columns, broken between words. A word that is longer stays whole: a
// token is there to be copied.

export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > columns) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}

/** The same with the lines after the first set in by two. */
export function wrapHanging(text: string, columns: number): string[] {
  const [first = '', ...rest] = wrap(text, columns);
  if (rest.length === 0) return [first];
  return [first, ...wrap(rest.join(' '), columns - 2).map((line) => `  ${line}`)];
}
