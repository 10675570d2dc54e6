// Preloaded into the processes of ava (nodeArguments in ava.config.js).
//
//   a process that runs tests    lib and drivers from the bundle (test-bundle.mjs), what is below
//                                test/ by esbuild, each as CommonJS: no thread of module hooks
//   its threads and children     the sources as they are, by typescript-hooks.mjs
//
// With `warm <bundle>` as its arguments it makes the code cache of a bundle.

'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');
const vm = require('node:vm');
const { isMainThread } = require('node:worker_threads');

const root = path.join(__dirname, '..');
const cache = path.join(root, 'node_modules/.cache/leasehold');
const runsTests = /[\\/]ava[\\/]lib[\\/]worker[\\/]base\.js$/.test(process.argv[1] ?? '');
const wrapper = ['(function (exports, require, module, __filename, __dirname) { ', '\n})'];

let bundleFile = process.env.LEASEHOLD_TEST_BUNDLE;
let script = null;
let modules = null;

/** Path below the root -> what evaluates it and has its exports. */
function bundled() {
  if (modules !== null) return modules;
  const data = `${bundleFile}.data`;
  script = new vm.Script(wrapper.join(fs.readFileSync(bundleFile, 'latin1')), {
    filename: bundleFile,
    cachedData: fs.existsSync(data) ? fs.readFileSync(data) : undefined,
  });
  const module = { exports: {} };
  const near = Module.createRequire(path.join(root, 'lib/index.js'));
  script.runInThisContext()(module.exports, near, module, bundleFile, cache);
  modules = module.exports;
  return modules;
}

// -- what is below test/ --

function stamp(file) {
  const { mtimeMs, size } = fs.statSync(file);
  return `${file} ${mtimeMs} ${size}`;
}

let makers = null;

function compiled(file) {
  makers ??= `${require('esbuild/package.json').version} ${stamp(__filename)}`;
  const { createHash } = require('node:crypto');
  const key = `${makers} ${stamp(file)}`;
  const hash = createHash('sha1').update(key).digest('hex');
  const kept = path.join(cache, `${hash}.cjs`);
  if (fs.existsSync(kept)) return fs.readFileSync(kept, 'utf8');
  const { code } = require('esbuild').transformSync(fs.readFileSync(file, 'utf8'), {
    loader: 'ts',
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(file).href) },
    sourcefile: file,
    sourcemap: 'inline',
    sourcesContent: false,
  });
  fs.mkdirSync(cache, { recursive: true });
  fs.writeFileSync(`${kept}.${process.pid}`, code);
  fs.renameSync(`${kept}.${process.pid}`, kept);
  return code;
}

function install() {
  Module._extensions['.ts'] = (module, file) => {
    const own = path.relative(root, file);
    const evaluate = /^(lib|drivers)\//.test(own) ? bundled()[own] : undefined;
    if (evaluate !== undefined) module.exports = evaluate();
    else module._compile(compiled(file), file);
  };
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, parent, ...rest) {
    if (/^\.{1,2}\/.*\.js$/.test(request) && parent?.filename?.endsWith('.ts')) {
      const file = path.join(path.dirname(parent.filename), `${request.slice(0, -3)}.ts`);
      if (fs.existsSync(file)) return file;
    }
    return resolve.call(this, request, parent, ...rest);
  };
  /** What import() is in the bundle: a source is the module that a test has by require(). */
  globalThis[Symbol.for('leasehold.import')] = async (what) => {
    const file = String(what).startsWith('file:') ? fileURLToPath(what) : '';
    return file.endsWith('.ts') && fs.existsSync(file) ? require(file) : import(what);
  };
  showSources();
}

// -- stacks --

/** Lines of the bundle are shown as those of its sources. Its map is read when a stack is. */
function showSources() {
  let map = null;
  const placeIn = (file, line, column) => {
    if (file !== bundleFile) {
      const entry = Module.findSourceMap(file)?.findEntry(line - 1, column - 1);
      return entry?.originalSource === undefined ? null : entry;
    }
    map ??= new Module.SourceMap(JSON.parse(fs.readFileSync(`${bundleFile}.map`, 'utf8')));
    return map.findEntry(line - 1, column - 1);
  };
  const shown = (site) => {
    const file = site.getFileName();
    const [line, column] = [site.getLineNumber(), site.getColumnNumber()];
    if (file === null || line === null || file.startsWith('node:')) return String(site);
    // The wrapper stands before the first line, as it does in a module of Node.js.
    const first = file === bundleFile && line === 1 ? wrapper[0].length : 0;
    const entry = placeIn(file, line, column - first);
    if (entry === null || entry.originalSource === undefined) return String(site);
    const { originalSource: source, originalLine, originalColumn } = entry;
    const at = source.startsWith('file:') ? fileURLToPath(source) : path.resolve(cache, source);
    const place = `${at}:${originalLine + 1}:${originalColumn + 1}`;
    const text = String(site);
    return text.endsWith(')') ? `${text.slice(0, text.lastIndexOf('(') + 1)}${place})` : place;
  };
  Error.prepareStackTrace = (error, sites) => {
    let head = 'Error';
    try {
      head = Error.prototype.toString.call(error);
    } catch {
      // An error whose name or message throws has a stack all the same.
    }
    return [head, ...sites.map((site) => `\n    at ${shown(site)}`)].join('');
  };
}

if (process.argv[2] === 'warm' && require.main === module) {
  bundleFile = process.argv[3];
  for (const [name, evaluate] of Object.entries(bundled())) {
    if (!/-(child|thread)\.ts$|^lib\/ava\.ts$/.test(name)) evaluate();
  }
  const own = `${bundleFile}.data.${process.pid}`;
  fs.writeFileSync(own, script.createCachedData());
  fs.renameSync(own, `${bundleFile}.data`);
} else if (runsTests && isMainThread && bundleFile !== undefined) {
  install();
} else {
  Module.register('./typescript-hooks.mjs', pathToFileURL(__filename));
}
