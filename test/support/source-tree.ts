// The source tree as tests about style see it: files, their text, and their parsed form.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './root.js';

export interface SourceFile {
  /** Path from the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

/** Files below the given folders whose names end in one of `endings`, sorted. */
export function sourceFiles(folders: readonly string[], endings: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  for (const folder of folders) {
    for (const path of walk(join(root, folder))) {
      if (!endings.some((e) => path.endsWith(e))) continue;
      files.push({ path: relative(root, path), text: readFileSync(path, 'utf8') });
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function parse(file: SourceFile): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true);
}

/** Every module specifier a file imports: static, dynamic, side-effect and re-exports. */
export function importsOf(file: SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      found.push(node.moduleSpecifier.text);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [arg] = node.arguments;
      if (arg && ts.isStringLiteral(arg)) found.push(arg.text);
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal)) found.push(literal.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return found;
}

/** Functions of a file with the number of lines each takes, longest first. */
export function functionLengths(file: SourceFile): { name: string; lines: number }[] {
  const tree = parse(file);
  const lineOf = (pos: number) => tree.getLineAndCharacterOfPosition(pos).line;
  const found: { name: string; lines: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const name = node.name && 'getText' in node.name ? node.name.getText(tree) : '(anonymous)';
      found.push({ name, lines: lineOf(node.end) - lineOf(node.getStart(tree)) + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found.sort((a, b) => b.lines - a.lines);
}
