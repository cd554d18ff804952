// The page's behaviour: choices, charts, cards, tables. It knows no chart by name but the two that compute their rows.
// Text reaches the page through textContent only; an address becomes a link only if it is http or https.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const unpack = ({columns, values}) => values.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]])));
const citations = unpack(data.citations);
const state = {...data.state};
const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
  return element;
}

// --- words (as warehouse/report/digits.py says them) ---

function money(usd) {
  if (usd === null || usd === undefined) return 'unknown';
  const size = Math.abs(usd), sign = usd < 0 ? '−' : '';
  for (const [unit, name] of [[1e12, 'T'], [1e9, 'B'], [1e6, 'M']]) {
    if (size * 2000 >= unit * 1999) {
      const amount = size / unit;
      return `${sign}$${amount.toFixed(amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0)}${name}`;
    }
  }
  return `${sign}$${size.toLocaleString('en-US')}`;
}

function percent(share) {
  if (share === null || share === undefined) return 'unknown';
  return `${(share * 100).toFixed(share >= 1 ? 0 : share >= 0.01 ? 1 : 2)}%`;
}

const isMoney = (column) => column.endsWith('_usd');
const isShare = (column) => /_share$|_share_of_tco$|_margin$|^share$/.test(column);

function shown(column, value) {
  if (value === null || value === undefined) return '';
  if (isMoney(column)) return money(value);
  if (isShare(column)) return percent(value);
  return String(value);
}

function words(column) {
  const text = column.replace(/_usd$/, '').replace(/_tco$/, '_TCO').replaceAll('_', ' ');
  return text === 'fact ids' ? 'Sources' : text[0].toUpperCase() + text.slice(1);
}

function source(fact) {
  const where = citations[fact];
  const name = where.source_title || where.accession || where.fact_id;
  const link = /^https?:\/\//i.test(where.source_url || '')
    ? make('a', {href: where.source_url, rel: 'noopener noreferrer', target: '_blank'}, name) : make('span', {}, name);
  const value = where.unit === 'USD' ? money(Number(where.value)) : where.value && `${where.value} ${where.unit || ''}`;
  const details = [where.company, value, where.form, where.accession, where.filed_on].filter(Boolean).join(' · ');
  return [link, ' ', make('small', {}, details)];
}

// --- which rows a chart shows ---

const inForce = (row) => row.known_from <= state.day && (!row.known_to || row.known_to > state.day);

function chosen(chart, rows) {
  const filters = Object.entries(chart.where).filter(([column]) => rows.length && column in rows[0]);
  return rows.filter((row) => filters.every(([column, key]) => row[column] === state[key]) && (!chart.asOf || inForce(row)));
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
    const base = rows.find((row) => row.scenario === 'measured');
    if (!base) return {rows: [], note: 'This quarter has no run rate to start from.'};
    const at = (gpu, margin, more) => {
      const need = required(base.run_rate_usd, gpu, margin);
      const gap = base.ai_revenue_usd === null ? need : need - base.ai_revenue_usd;
      return {gpu, margin, chart_usd: gap, known_from: base.known_from,
        fact_ids: base.fact_ids, value_kind: 'derived', need, gpu_from: gpu - 0.025, gpu_to: gpu + 0.025,
        margin_from: margin - 0.025, margin_to: margin + 0.025,
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
    const scenarios = rows.map((row) => at(row.gpu_share_of_tco, row.end_user_gross_margin, {chart_part: 'scenario',
      chart_label: `${data.scenarios[row.scenario] || row.scenario}, ${row.calendar_quarter}`, fact_ids: row.fact_ids}));
    const yours = at(Number(state.gpu), Number(state.margin), {chart_part: 'yours', value_kind: 'derived from your assumptions'});
    const against = base.ai_revenue_usd === null ? 'AI revenue is not known for this quarter.'
      : `Against ${money(base.ai_revenue_usd)} measured the gap is ${money(yours.chart_usd)}.`;
    return {rows: [...cells, ...scenarios, yours], note: `${base.calendar_quarter}, with ${percent(yours.gpu)} GPU share and `
      + `${percent(yours.margin)} margin: required ${money(yours.need)}. ${against} Cells in $${small ? 'B' : 'T'}.`};
  },
  asKnown(rows) {
    const last = rows.filter((row) => row.chart_series === 'required').at(-1);
    if (!last) return {rows, note: 'Nothing was known yet.'};
    const pair = rows.find((row) => row.chart_series === 'measured' && row.calendar_quarter === last.calendar_quarter);
    return {rows, note: `The newest quarter then was ${last.calendar_quarter}: required ${money(last.chart_usd)}, `
      + (pair ? `measured ${money(pair.chart_usd)}, gap ${money(last.chart_usd - pair.chart_usd)}.` : 'no AI revenue known.')};
  },
};

function content(chart) {
  const rows = chosen(chart, chart.rows);
  const result = chart.derive ? derive[chart.derive](rows) : {rows, note: ''};
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

async function draw(chart) {
  const params = chart.signals.map((name) => ({name, value: state[name]}));
  const spec = {width: 'container', padding: 4, ...fit(chart.spec), params, data: {name: 'rows', values: content(chart)}, config};
  if (chart.view) chart.view.finalize();
  const {view} = await vegaEmbed(chart.inner, spec,
    {actions: false, ast: true, defaultStyle: false, hover: false, renderer: 'svg', tooltip: false, logLevel: 1});
  chart.view = view;
  chart.points = null;
  view.addResizeListener(() => { chart.points = null; });
}

async function redraw(chart) {
  if (!chart.view) return;
  for (const name of chart.signals) chart.view.signal(name, state[name]);
  chart.view.data('rows', content(chart));
  await chart.view.runAsync();
  chart.points = null;
  fillTable(chart);
}

// --- cards: the same for mouse, touch and keyboard ---

const card = byId('card');
const ring = make('div', {class: 'ring'});

function points(chart) {
  if (!chart.points) {
    const frame = chart.box.getBoundingClientRect();
    chart.points = [];
    for (const element of chart.box.querySelectorAll('.role-mark.mark-rect path, .role-mark.mark-symbol path')) {
      const row = element.__data__ && element.__data__.datum;
      if (!row || !row.chart_label) continue;
      const box = element.getBoundingClientRect();
      chart.points.push({row, x: box.left - frame.left, y: box.top - frame.top, width: box.width, height: box.height});
    }
  }
  return chart.points;
}

function nearest(chart, event) {
  const frame = chart.box.getBoundingClientRect();
  const x = event.clientX - frame.left, y = event.clientY - frame.top;
  let best = null, least = 24 ** 2; // px around a point that still mean it: a fingertip
  for (const point of points(chart)) {
    const dx = Math.max(point.x - x, 0, x - point.x - point.width), dy = Math.max(point.y - y, 0, y - point.y - point.height);
    const distance = dx * dx + dy * dy + Math.min(point.width * point.height, 1e6) / 1e7; // the smaller of two that overlap
    if (distance < least) [best, least] = [point, distance];
  }
  return best;
}

function show(chart, point, pinned = false) {
  chart.point = point;
  const {row} = point, facts = row.fact_ids || [], few = pinned ? facts : facts.slice(0, 3);
  const usd = row.chart_usd, hasUsd = usd !== undefined && usd !== null;
  const kind = row.value_kind || row.chart_kind;
  const lines = [['Kind', kind], ['How', row.chart_note || row.formula || row.method], ['Version known from', row.known_from]];
  card.replaceChildren(
    make('h3', {}, row.chart_label),
    hasUsd || row.chart_share !== undefined
      ? make('div', {class: 'value'}, hasUsd ? money(usd) : percent(row.chart_share), ' ',
        make('span', {class: 'exact'}, hasUsd ? `${usd.toLocaleString('en-US')} USD` : '')) : '',
    make('dl', {}, ...lines.filter(([, text]) => text).flatMap(([name, text]) => [make('dt', {}, name), make('dd', {}, text)])),
    facts.length ? make('ol', {}, ...few.map((fact) => make('li', {}, ...source(fact))),
      few.length < facts.length ? make('li', {}, make('small', {}, `and ${facts.length - few.length} more: click, tap or press Enter`))
        : pinned ? '' : make('li', {}, make('small', {}, 'click, tap or press Enter to follow'))) : '',
    pinned ? make('button', {type: 'button', 'aria-label': 'Close', onclick: () => { hide(); chart.box.focus(); }}, '×') : '');
  card.classList.toggle('pinned', pinned);
  card.hidden = false;
  Object.assign(ring.style, {left: `${point.x - 3}px`, top: `${point.y - 3}px`, width: `${point.width + 6}px`, height: `${point.height + 6}px`});
  chart.box.append(ring);
  const frame = chart.box.getBoundingClientRect();
  const left = frame.left + point.x + point.width / 2, top = frame.top + point.y, room = document.documentElement.clientWidth;
  const above = top - card.offsetHeight - 12;
  card.style.left = `${scrollX + Math.max(12, Math.min(left - card.offsetWidth / 2, room - card.offsetWidth - 12))}px`;
  card.style.top = `${scrollY + (above > 60 ? above : top + point.height + 12)}px`;
}

function hide() {
  card.hidden = true;
  card.classList.remove('pinned');
  ring.remove();
}

const isPinned = () => !card.hidden && card.classList.contains('pinned');

function step(chart, key) {
  const all = points(chart), from = chart.point && all.find((point) => point.row === chart.point.row);
  const middle = (point) => [point.x + point.width / 2, point.y + point.height / 2];
  if (!from || key === 'Home' || key === 'End') {
    const ordered = [...all].sort((a, b) => middle(a)[0] - middle(b)[0] || middle(a)[1] - middle(b)[1]);
    return key === 'Home' ? ordered[0] : ordered.at(-1);
  }
  const [x, y] = middle(from);
  let best = from, least = Infinity;
  for (const point of all) {
    const [px, py] = middle(point), dx = px - x, dy = py - y;
    const [along, across] = {ArrowRight: [dx, dy], ArrowLeft: [-dx, dy], ArrowDown: [dy, dx], ArrowUp: [-dy, dx]}[key];
    if (along > 0.5 && along + 4 * Math.abs(across) < least) [best, least] = [point, along + 4 * Math.abs(across)];
  }
  return best;
}

function listen(chart) {
  chart.box.addEventListener('pointermove', (event) => {
    if (event.pointerType !== 'mouse' || isPinned()) return;
    const point = nearest(chart, event);
    if (point) show(chart, point);
    else hide();
  });
  chart.box.addEventListener('pointerleave', () => { if (!isPinned()) hide(); });
  chart.box.addEventListener('blur', () => { if (!isPinned()) hide(); });
  chart.box.addEventListener('click', (event) => {
    const point = nearest(chart, event);
    if (point) show(chart, point, true);
    else hide();
    event.stopPropagation();
  });
  chart.box.addEventListener('keydown', (event) => {
    if (/^(Arrow|Home$|End$)/.test(event.key) && points(chart).length) {
      show(chart, step(chart, event.key));
      event.preventDefault();
    } else if (event.key === 'Enter' && chart.point && !card.hidden) {
      show(chart, chart.point, true);
      (card.querySelector('a') || card.querySelector('button')).focus({preventScroll: true});
    }
  });
}

document.addEventListener('click', (event) => { if (isPinned() && !card.contains(event.target)) hide(); });
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || card.hidden) return;
  const chart = data.charts.find(({box}) => box.contains(ring));
  hide();
  if (chart) chart.box.focus();
});

// --- tables ---

const visible = (rows) => Object.keys(rows[0] || {}).filter((column) => !column.startsWith('chart_'));

function sourcesCell(facts) {
  const list = (some) => some.map((fact) => make('div', {}, ...source(fact)));
  if (facts.length <= 2) return list(facts);
  const rest = make('details', {ontoggle: () => { if (rest.childElementCount === 1) rest.append(...list(facts.slice(1))); }},
    make('summary', {}, `and ${facts.length - 1} more`));
  return [...list(facts.slice(0, 1)), rest];
}

function fillTable(chart) {
  if (!chart.details.open) return;
  const rows = chosen(chart, chart.table), columns = visible(chart.table);
  if (chart.sort) {
    const [column, sign] = chart.sort, value = (row) => (Array.isArray(row[column]) ? row[column].length : row[column]);
    rows.sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      if (left === right) return 0;
      if (left === null) return 1; // the unknown last, whichever way
      if (right === null) return -1;
      return left < right ? -sign : sign;
    });
  }
  const head = columns.map((column) => make('th', {scope: 'col', title: data.comments[column],
    'aria-sort': chart.sort && chart.sort[0] === column ? (chart.sort[1] > 0 ? 'ascending' : 'descending') : null},
  make('button', {type: 'button', 'data-column': column, onclick: () => {
    chart.sort = [column, chart.sort && chart.sort[0] === column ? -chart.sort[1] : 1];
    fillTable(chart);
    chart.details.querySelector(`[data-column="${column}"]`).focus();
  }}, words(column))));
  const body = rows.map((row) => make('tr', {}, ...columns.map((column) => (column === 'fact_ids'
    ? make('td', {class: 'sources'}, ...sourcesCell(row[column]))
    : make('td', {class: typeof row[column] === 'number' ? 'number' : null,
      title: isMoney(column) && row[column] !== null ? `${row[column].toLocaleString('en-US')} USD` : null}, shown(column, row[column]))))));
  const table = make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${chart.title}: table`},
    make('table', {}, make('caption', {class: 'hidden'}, chart.title), make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...body)));
  chart.details.replaceChildren(chart.details.firstElementChild,
    make('div', {class: 'tools'}, make('button', {type: 'button', onclick: () => download(chart, rows, columns)}, 'Download CSV'),
      `${rows.length} rows; exact values`), table);
}

function csv(rows, columns) {
  // A cell that a spreadsheet would take for a formula is marked as text.
  const cell = (value) => {
    let text = value === null || value === undefined ? '' : String(value);
    if (typeof value === 'string' && /^[=+\-@\t\r\n]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const each = (facts, key) => [...new Set(facts.map((fact) => citations[fact][key]).filter(Boolean))].join(' ');
  const names = columns.flatMap((column) => (column === 'fact_ids' ? ['fact_ids', 'accessions', 'source_urls'] : [column]));
  const lines = rows.map((row) => columns.flatMap((column) => (column === 'fact_ids'
    ? [each(row.fact_ids, 'fact_id'), each(row.fact_ids, 'accession'), each(row.fact_ids, 'source_url')] : [row[column]])).map(cell).join(','));
  return [names.join(','), ...lines, ''].join('\r\n');
}

function download(chart, rows, columns) {
  const url = URL.createObjectURL(new Blob([csv(rows, columns)], {type: 'text/csv'}));
  make('a', {href: url, download: `${chart.id}.csv`}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// --- choices: any input with data-state, and the address ---

const dayNumber = (day) => Date.parse(`${day}T00:00:00Z`) / 864e5;
const dayName = (number) => new Date(number * 864e5).toISOString().slice(0, 10);
const longDay = (day) => new Date(`${day}T00:00:00Z`).toLocaleDateString('en-GB', {day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC'});
const inputs = [...document.querySelectorAll('[data-state]')];
const allowed = {
  quarter: (value) => value in data.statements,
  scenario: (value) => Object.values(data.statements).some((scenarios) => value in scenarios),
  basis: (value) => inputs.some((input) => input.dataset.state === 'basis' && input.value === value),
  gpu: (value) => value >= 0.3 && value <= 0.7,
  margin: (value) => value >= 0.3 && value <= 0.8,
  day: (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(dayNumber(value)) && value >= data.days[0] && value <= data.days.at(-1),
};

function readAddress() {
  const asked = [...new URLSearchParams(location.hash.slice(1))].filter(([key, value]) => key in allowed && allowed[key](value));
  const isSlider = ([key]) => key === 'gpu' || key === 'margin';
  for (const [key, value] of asked) if (!isSlider([key])) state[key] = value;
  settle();
  follow();
  for (const [key, value] of asked.filter(isSlider)) state[key] = Number(value);
}

function writeAddress() {
  const changed = Object.entries(state).filter(([key, value]) => value !== data.state[key] || key === 'quarter' || key === 'scenario');
  history.replaceState(null, '', `#${new URLSearchParams(changed)}`);
}

function settle() { // a scenario of one quarter (Cahn's) takes the page to it
  const quarters = Object.keys(data.statements);
  if (quarters.length && !(state.scenario in (data.statements[state.quarter] || {}))) {
    state.quarter = quarters.find((quarter) => state.scenario in data.statements[quarter]);
  }
}

function follow() { // the sliders stand where the chosen scenario does, until they are moved
  const now = (data.statements[state.quarter] || {})[state.scenario] || {};
  for (const key of ['gpu', 'margin']) if (allowed[key](now[key] ?? NaN)) state[key] = now[key];
}

function say() {
  const now = (data.statements[state.quarter] || {})[state.scenario];
  if (now) {
    for (const name of ['headline', 'doubt']) if (byId(name).textContent !== now[name]) byId(name).textContent = now[name];
    byId('figures').replaceChildren(...[['Required', now.required], ['AI revenue', now.earned], ['The gap', now.gap, 'main'], ['Covered', now.coverage]]
      .map(([name, value, kind]) => make('div', {class: kind}, make('dt', {}, name), make('dd', {}, value))));
  }
  for (const input of inputs) {
    const value = state[input.dataset.state];
    if (input.type === 'radio') input.checked = input.value === value;
    else input.value = input.dataset.first ? dayNumber(value) : value;
    if (input.type === 'range') input.setAttribute('aria-valuetext', input.dataset.first ? longDay(value) : percent(value));
  }
  for (const output of document.querySelectorAll('[data-show]')) {
    const key = output.dataset.show;
    output.textContent = key === 'day' ? (state.day ? longDay(state.day) : '') : percent(Number(state[key]));
  }
}

function choose(key, value) {
  if (state[key] === value) return;
  const before = state.scenario;
  state[key] = value;
  if (key === 'quarter' && !(state.scenario in data.statements[value])) state.scenario = Object.keys(data.statements[value])[0];
  settle();
  if (state.scenario !== before) follow();
  writeAddress();
  hide();
  say();
  const touched = key === 'quarter' || key === 'scenario' ? ['quarter', 'scenario', 'gpu', 'margin'] : [key];
  const reads = {sensitivity: ['gpu', 'margin'], asKnown: ['day']};
  for (const chart of data.charts) {
    const keys = [...Object.values(chart.where), ...chart.signals, ...(reads[chart.derive] || [])];
    if (keys.some((name) => touched.includes(name))) redraw(chart);
  }
}

// --- start ---

const svg = (tag, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
for (const name of ['model', 'cloud_infrastructure', 'application', 'measured']) {
  const color = name === 'cloud_infrastructure' ? 'var(--cloud)' : `var(--${name})`;
  const pattern = svg('pattern', {id: `hatch-${name}`, width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)'});
  pattern.append(svg('rect', {width: 5, height: 5, fill: 'var(--paper)'}), svg('rect', {width: 2, height: 5, fill: color}));
  document.querySelector('.patterns defs').append(pattern);
}

for (const chart of data.charts) {
  chart.rows = unpack(chart.rows);
  chart.table = chart.table ? unpack(chart.table) : chart.rows;
  chart.box = byId(`${chart.id}-chart`);
  chart.inner = make('div', {'aria-hidden': 'true'}); // the box has the words, the table the numbers; Vega renames its own element
  chart.box.append(chart.inner);
  chart.details = byId(chart.id).querySelector('details.data');
  chart.details.addEventListener('toggle', () => fillTable(chart));
  listen(chart);
}
for (const [key, entries] of [['quarter', Object.keys(data.statements).map((quarter) => [quarter, quarter])],
  ['scenario', Object.keys(data.scenarios).concat(Object.values(data.statements).flatMap(Object.keys))
    .filter((name, at, all) => all.indexOf(name) === at && allowed.scenario(name)).map((name) => [name, data.scenarios[name] || name])]]) {
  document.querySelector(`select[data-state=${key}]`).append(...entries.map(([value, name]) => make('option', {value}, name)));
}
for (const input of inputs) {
  if (input.dataset.first) Object.assign(input, {min: dayNumber(input.dataset.first), max: dayNumber(input.dataset.last), step: 1});
  const changed = () => {
    const {value} = input;
    choose(input.dataset.state, input.dataset.first ? dayName(Number(value)) : input.type === 'range' ? Number(value) : value);
  };
  input.addEventListener('input', changed);
  input.addEventListener('change', changed);
}
for (const button of document.querySelectorAll('[data-step]')) {
  button.addEventListener('click', () => {
    const days = button.dataset.by > 0 ? data.days.filter((day) => day > state.day) : data.days.filter((day) => day < state.day).reverse();
    if (days.length) choose('day', days[0]);
  });
}
narrow.addEventListener('change', () => { hide(); data.charts.forEach(draw); });
addEventListener('hashchange', () => {
  if (!location.hash.includes('=')) return; // a link to a chart, not a choice
  Object.assign(state, data.state);
  readAddress();
  say();
  data.charts.forEach(redraw);
});

readAddress();
say();
(async () => {
  for (const chart of data.charts) await draw(chart);
  document.documentElement.dataset.ready = 'true';
})();
