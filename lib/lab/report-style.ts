// The style sheet and the script of the report: light and dark, phone and paper, no network.

export const style = `
:root { color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --dim: #59636e; --line: #d1d9e0;
  --safe: #1a7f37; --safe-bg: #dafbe1; --bad: #cf222e; --bad-bg: #ffdce0; --warn: #9a6700;
  --warn-bg: #fff3c4; --no: #59636e; --no-bg: #eff2f5; --pin: #8250df; --lease: #bf8700;
  --op: #0969da; --call: #6e7781; --dma: #2da44e; }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --fg: #e6edf3; --dim: #9198a1;
  --line: #30363d; --safe: #56d364; --safe-bg: #12261a; --bad: #ff7b72; --bad-bg: #3d1416;
  --warn: #e3b341; --warn-bg: #2e2406; --no: #9198a1; --no-bg: #161b22; --pin: #a371f7;
  --lease: #d29922; --op: #58a6ff; --call: #8b949e; --dma: #3fb950; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--bg);
  color: var(--fg); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { margin: 2.5rem 0 .5rem; }
h3 { margin: 2rem 0 .25rem; font-size: 1.05rem; } p { max-width: 46rem; margin: .5rem 0; }
.dim, figcaption { color: var(--dim); font-size: .87rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; } th, td { text-align: left; padding: .2rem
.5rem;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--bg); }
#matrix td { text-align: center; } #matrix th:first-child { position: sticky; left: 0;
  background: var(--bg); }
#matrix a { display: block; color: inherit; text-decoration: none; border-radius: 4px;
  padding: 0 .4rem; }
.safe { color: var(--safe); background: var(--safe-bg); } .stray { color: #fff; background:
var(--bad);
  font-weight: 600; } .hung { color: var(--warn); background: var(--warn-bg); }
.denied, .na { color: var(--no); background: var(--no-bg); }
.refused { color: var(--op); background: var(--no-bg); }
form { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; }
select { font: inherit; padding: .2rem; max-width: 100%; }
svg { width: 100%; min-width: 34rem; max-width: 48rem; height: auto; display: block; margin: .5rem
0; }
svg text { font: 11px system-ui, sans-serif; fill: var(--fg); } svg .tick, svg .lane { fill:
var(--dim); }
svg text.in { fill: #fff; font-size: 10px; } svg line { stroke: var(--line); }
rect.operation { fill: var(--op); } rect.pins { fill: var(--pin); } rect.lease { fill:
var(--lease); }
rect.call { fill: var(--call); } rect.dma { fill: var(--dma); } rect.failed { fill: var(--lease); }
rect.stray { fill: var(--bad); background: none; }
.page-data { fill: var(--op); opacity: .55; } .page-other { fill: var(--bad); opacity: .7; }
.page-orphan { fill: var(--lease); opacity: .6; } .page-free { fill: var(--line); }
.pinned { stroke: var(--pin); stroke-width: 2; }
#matrix a.stray { color: #fff; }
figure { overflow-x: auto; margin: .5rem 0 1.5rem; } [hidden] { display: none !important; }
.key span { display: inline-block; margin-right: 1rem; } .key i { display: inline-block; width:
.8em;
  height: .8em; border-radius: 2px; margin-right: .35em; }
button { font: inherit; font-size: .8rem; padding: 0 .4rem; color: inherit;
  background: var(--no-bg); border: 1px solid var(--line); border-radius: 4px; }
tr.drawn td { white-space: normal; } tr.drawn svg { max-width: 46rem; }
blockquote { margin: .5rem 0; padding-left: .8rem; border-left: 3px solid var(--line);
  max-width: 46rem; } code { font-size: .8rem; overflow-wrap: anywhere; }
@media print { body { max-width: none; font-size: 10pt; } form, button { display: none; }
  thead th { position: static; } figure, tr { break-inside: avoid; } .scroll { overflow: visible; }
  table { font-size: 7pt; } th, td { padding: 1px 3px; } }
`;

/**
 * Rows and sections show what the three filters let through; pictures are drawn: those of figures
 * at once, that of a cell below its row when its button is pressed, and gone when again.
 */
export const script = `
const form = document.querySelector('form');
const show = () => {
  const want = Object.fromEntries(new FormData(form));
  for (const el of document.querySelectorAll('[data-policy]')) {
    const hide = Object.entries(want).some(([k, v]) => v && el.dataset[k] && el.dataset[k] !== v);
    el.hidden = hide;
  }
};
form.addEventListener('change', show);
const pictures = JSON.parse(document.getElementById('pictures').textContent);
const drawn = ({ picture, title }) => {
  const data = pictures[picture];
  return timelineSvg(data, title) + pageMapSvg(data);
};
for (const div of document.querySelectorAll('div.picture[data-picture]')) {
  div.innerHTML = drawn(div.dataset);
}
document.getElementById('cells')?.addEventListener('click', ({ target }) => {
  if (target.dataset?.picture === undefined) return;
  const row = target.closest('tr');
  if (row.nextElementSibling?.classList.contains('drawn')) {
    row.nextElementSibling.remove();
    return;
  }
  const below = document.createElement('tr');
  below.className = 'drawn';
  Object.assign(below.dataset, row.dataset);
  const cell = below.insertCell();
  cell.colSpan = row.cells.length;
  cell.innerHTML = drawn(target.dataset);
  cell.append(Object.assign(document.createElement('code'), {
    textContent: target.dataset.replay,
  }));
  row.after(below);
});
`;
