// Goal: the page's style and script ask for nothing from outside, and serve phone, paper and dark.

import test from 'ava';
import { script, style } from '../../lib/lab/report-style.js';

test('nothing is fetched', (t) => {
  for (const text of [style, script]) {
    t.notRegex(text, /https?:|@import|url\(|fetch\(|XMLHttpRequest|import\(/);
  }
});

test('there are colours for the dark, and rules for paper', (t) => {
  t.regex(style, /prefers-color-scheme: dark/);
  t.regex(style, /@media print/);
  t.regex(style, /overflow-x: auto/);
});

test('every colour that is used is set, in the light as in the dark', (t) => {
  const used = new Set([...style.matchAll(/var\((--[a-z-]+)\)/g)].map(([, name]) => name!));
  for (const name of used) t.regex(style, new RegExp(`${name}:`), name);
});

test('the script is JavaScript', (t) => {
  t.notThrows(() => new Function(script));
});
