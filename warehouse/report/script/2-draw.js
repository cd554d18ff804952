// --- which rows a chart shows ---

// What a name of `where` stands at; AI revenue follows the scenario by its basis.
const choice = (key) => (key === 'ai_basis'
  ? (((data.statements[state.quarter] || {})[state.scenario] || {}).basis || '').replace('assumed', '') || 'estimated_run_rate' : state[key]);
const inForce = (row) => row.known_from <= state.day && (!row.known_to || row.known_to > state.day);

function chosen(chart, rows) {
  const filters = Object.entries(chart.where).filter(([column]) => rows.length && column in rows[0]);
  return rows.filter((row) => filters.every(([column, key]) => row[column] === choice(key)) && (!chart.asOf || inForce(row)));
}

// The arithmetic of the table macro gap_with, digit for digit: whole dollars, halves up, shares in millionths.
const halfUp = (over, under) => (2n * over + under) / (2n * under);
const millionths = (share) => BigInt(Math.round(share * 1e6));

function required(runRate, gpu, margin) {
  const spend = halfUp(BigInt(runRate) * 1000000n, millionths(gpu));
  return Number(halfUp(spend * 1000000n, 1000000n - millionths(margin)));
}

const derive = {
  sensitivity(rows) {
    const base = rows.find((row) => row.scenario === state.scenario) || rows.find((row) => row.scenario === 'measured');
    if (!base) return {rows: [], note: 'This quarter has no run rate to start from.'};
    const cell = (share) => Math.round(share * 20) / 20; // boxes stand on the grid, so that none runs through a number
    const at = (gpu, margin, more) => {
      const need = required(base.run_rate_usd, gpu, margin);
      const gap = base.ai_revenue_usd === null ? need : need - base.ai_revenue_usd;
      return {gpu, margin, chart_usd: gap, known_from: base.known_from,
        fact_ids: base.fact_ids, value_kind: 'derived', need, gpu_from: cell(gpu) - 0.025, gpu_to: cell(gpu) + 0.025,
        margin_from: cell(margin) - 0.025, margin_to: cell(margin) + 0.025,
        chart_label: `${base.ai_revenue_usd === null ? 'Required' : 'Gap'}, ${base.calendar_quarter}`,
        chart_note: `GPU share ${percent(gpu)}, margin ${percent(margin)}`, ...more};
    };
    const cells = [];
    for (let gpu = 30; gpu <= 70; gpu += 5) {
      for (let margin = 30; margin <= 80; margin += 5) {
        cells.push(at(gpu / 100, margin / 100, {chart_part: 'cell'}));
      }
    }
    const small = Math.max(...cells.map((cell) => cell.chart_usd)) < 1e12;
    for (const cell of cells) cell.chart_cell = (cell.chart_usd / (small ? 1e9 : 1e12)).toFixed(small ? 0 : 2);
    const scenarios = rows.filter((row) => ['measured', 'low', 'high'].includes(row.scenario)).map((row) => at(row.gpu_share_of_tco, row.end_user_gross_margin, {chart_part: 'scenario',
      chart_label: `${data.scenarios[row.scenario] || row.scenario}, ${row.calendar_quarter}`, fact_ids: row.fact_ids}));
    const yours = at(Number(state.gpu), Number(state.margin), {chart_part: 'yours', value_kind: 'derived from your assumptions'});
    const against = base.ai_revenue_usd === null ? 'AI revenue is not known for this quarter.'
      : `Against ${money(base.ai_revenue_usd)} measured the gap is ${money(yours.chart_usd)}.`;
    return {rows: [...cells, ...scenarios, yours], note: `${base.calendar_quarter}, with ${percent(yours.gpu)} GPU share and `
      + `${percent(yours.margin)} margin: required ${money(yours.need)}. ${against} Cells in $${small ? 'B' : 'T'}.`};
  },
  asKnown(rows) {
    const mine = rows.filter((row) => row.scenario === state.scenario);
    const last = mine.filter((row) => row.chart_series === 'required').at(-1);
    if (!last) return {rows, note: 'Nothing of this scenario was known yet.'};
    const pair = mine.find((row) => row.chart_series !== 'required' && row.calendar_quarter === last.calendar_quarter);
    return {rows, note: `The newest quarter then was ${last.calendar_quarter}: required ${money(last.chart_usd)}, `
      + (pair ? `AI revenue ${money(pair.chart_usd)}, gap ${money(last.chart_usd - pair.chart_usd)}.` : 'no AI revenue known.')};
  },
};

function content(chart) {
  const rows = chosen(chart, chart.rows);
  const result = chart.derive ? derive[chart.derive](rows) : {rows, note: rows.length ? '' : 'Nothing is known of this choice.'};
  chart.drawn = result.rows;
  byId(`${chart.id}-note`).textContent = result.note;
  for (const row of result.rows) if ('chart_usd' in row) row.chart_text = money(row.chart_usd);
  return result.rows;
}

// --- charts ---

const config = {
  background: null, font: 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif',
  view: {stroke: null}, text: {fontSize: 12, fill: 'var(--ink)'},
  axis: {labelColor: 'var(--muted)', titleColor: 'var(--muted)', gridColor: 'var(--rule)', domain: false, ticks: false,
    labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', labelPadding: 6, titlePadding: 10},
};

const narrow = matchMedia('(max-width: 40rem)');
const fit = (part) => { // {narrow, wide} becomes the one that fits
  if (Array.isArray(part)) return part.map(fit);
  if (part === null || typeof part !== 'object') return part;
  if ('narrow' in part) return narrow.matches ? part.narrow : part.wide;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, fit(value)]));
};

// A choice, or the quarters that the chosen day knew.
const signal = (chart, name) => (name === 'known'
  ? [...new Set((chart.drawn || []).map((row) => row.calendar_quarter))].sort() : state[name]);

async function draw(chart) {
  await load(chart);
  fillTable(chart);
  if (!chart.spec) return;
  const values = content(chart);
  const params = chart.signals.map((name) => ({name, value: signal(chart, name)}));
  const spec = {width: 'container', padding: 4, ...fit(chart.spec), params, data: {name: 'rows', values}, config};
  if (chart.view) chart.view.finalize();
  const {view} = await vegaEmbed(chart.inner, spec,
    {actions: false, ast: true, defaultStyle: false, hover: false, renderer: 'svg', tooltip: false, logLevel: 1});
  chart.view = view;
  chart.points = null;
  view.addResizeListener(() => { chart.points = null; });
}

async function redraw(chart) {
  say(chart);
  if (!chart.view) { if (chart.rows) fillTable(chart); return; }
  const values = content(chart);
  for (const name of chart.signals) chart.view.signal(name, signal(chart, name));
  chart.view.data('rows', values);
  await chart.view.runAsync();
  chart.points = null;
  fillTable(chart);
}

// --- when it comes into view; what it shows comes with it ---

const arriving = {};
function load(chart) {
  arriving[chart.id] ||= new Promise((done) => {
    if (chart.rows) { done(); return; }
    const script = make('script', {src: `${data.root}charts/${chart.id}.js`, onload: done});
    document.head.append(script);
  }).then(() => {
    if (window.aigapCharts && window.aigapCharts[chart.id]) Object.assign(chart, window.aigapCharts[chart.id]);
    chart.citations = chart.citations ? unpack(chart.citations) : citations;
    chart.rows = unpack(chart.rows);
    chart.table = chart.table ? unpack(chart.table) : chart.rows;
  });
  return arriving[chart.id];
}

const drawing = {};
const drawOnce = (chart) => (drawing[chart.id] ||= draw(chart));
const drawAll = () => Promise.all(data.charts.map(drawOnce));
const seen = new IntersectionObserver((entries) => {
  for (const {isIntersecting, target} of entries) {
    if (isIntersecting) { seen.unobserve(target); drawOnce(data.charts.find(({id}) => id === target.id)); }
  }
}, {rootMargin: '300px'});
addEventListener('beforeprint', drawAll);

