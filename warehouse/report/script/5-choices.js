// --- choices: any input with data-state, and the address ---

const dayNumber = (day) => Date.parse(`${day}T00:00:00Z`) / 864e5;
const dayName = (number) => new Date(number * 864e5).toISOString().slice(0, 10);
const longDay = (day) => new Date(`${day}T00:00:00Z`).toLocaleDateString('en-GB', {day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC'});
const inputs = [...document.querySelectorAll('[data-state]')];
const allowed = {
  quarter: (value) => value in data.statements,
  scenario: (value) => Object.values(data.statements).some((scenarios) => value in scenarios),
  gpu: (value) => value >= 0.3 && value <= 0.7,
  margin: (value) => value >= 0.3 && value <= 0.8,
  day: (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(dayNumber(value)) && value >= data.days[0] && value <= data.days.at(-1),
};

for (const input of inputs.filter(({type}) => type === 'radio')) { // a choice of one chart's own
  const {state: key} = input.dataset;
  if (!allowed[key]) data.state[key] = state[key] = data.state[key] || input.value;
  allowed[key] ||= (value) => inputs.some((other) => other.dataset.state === key && other.value === value);
}

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

// Sentences of many quarters are carried once.
const said = (sentence) => (Array.isArray(sentence) ? sentence.map((at) => data.sentences[at]).join(' ') : sentence);

// What the title of a chart says that it shows.
function shows(chart) {
  const keys = [...Object.values(chart.where || {}), ...(chart.signals || [])];
  const said = [chart.shows];
  if (keys.includes('quarter') && chart.derive !== 'asKnown') said.push(state.quarter);
  if (keys.includes('scenario') || chart.derive === 'sensitivity') said.push(data.scenarios[state.scenario] || state.scenario);
  if (keys.includes('ai_basis')) said.push(`${choice('ai_basis').replaceAll('_', ' ')}, as scenario ${data.scenarios[state.scenario] || state.scenario}`);
  for (const key of ['basis', 'method']) if (keys.includes(key) && state[key]) said.push(state[key].replaceAll('_', ' '));
  if (chart.derive === 'asKnown' && state.day) said.push(`as known on ${longDay(state.day)}`);
  return said.filter(Boolean).join(' · ');
}

function say(only) {
  for (const chart of only ? [only] : data.charts) if (byId(`${chart.id}-shows`)) byId(`${chart.id}-shows`).textContent = shows(chart);
  if (only) return;
  const now = (data.statements[state.quarter] || {})[state.scenario];
  if (now && byId('figures')) {
    for (const name of ['headline', 'doubt']) if (byId(name).textContent !== said(now[name])) byId(name).textContent = said(now[name]);
    byId('figures').replaceChildren(...[['Required, over the chips’ life', now.required], ['AI revenue, at a year’s pace', now.earned], ['The gap', now.gap, 'main'], ['Covered', now.coverage]]
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
    const keys = [...Object.values(chart.where), ...chart.signals, ...(reads[chart.derive] || [])]
      .map((key) => (key === 'ai_basis' ? 'scenario' : key));
    if (chart.derive === 'sensitivity') keys.push('scenario');
    if (keys.some((name) => touched.includes(name))) redraw(chart);
  }
}

// --- start ---

const citations = data.citations ? unpack(data.citations) : []; // of all charts, where one file has them all

const svg = (tag, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
for (const [kind, under, over, turn] of [['hatch', 'var(--paper)', 1, 45], ['carried', 'var(--rule)', 1, -45]]) {
  for (const name of ['model', 'cloud_infrastructure', 'application', 'measured']) {
    const color = name === 'cloud_infrastructure' ? 'var(--cloud)' : `var(--${name})`;
    const pattern = svg('pattern', {id: `${kind}-${name}`, width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: `rotate(${turn})`});
    pattern.append(svg('rect', {width: 5, height: 5, fill: under}), svg('rect', {width: kind === 'hatch' ? 2 : 3, height: 5, fill: color, opacity: over}));
    document.querySelector('.patterns defs').append(pattern);
  }
}

for (const chart of data.charts) {
  chart.box = byId(`${chart.id}-chart`);
  if (chart.box) {
    chart.inner = make('div', {'aria-hidden': 'true'}); // the box has the words, the table the numbers; Vega renames its own element
    chart.box.append(chart.inner);
    listen(chart);
  }
  chart.details = byId(chart.id).querySelector('details.data');
  chart.details.addEventListener('toggle', () => load(chart).then(() => fillTable(chart)));
  if (!chart.box) chart.details.open = true;
}
for (const [key, entries] of [['quarter', Object.keys(data.statements).map((quarter) => [quarter, quarter])],
  ['scenario', Object.keys(data.scenarios).concat(Object.values(data.statements).flatMap(Object.keys))
    .filter((name, at, all) => all.indexOf(name) === at && allowed.scenario(name)).map((name) => [name, data.scenarios[name] || name])]]) {
  const select = document.querySelector(`select[data-state=${key}]`);
  if (select) select.append(...entries.map(([value, name]) => make('option', {value}, name)));
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
narrow.addEventListener('change', () => { hide(); data.charts.filter(({view}) => view).forEach(draw); });
addEventListener('hashchange', () => {
  if (!location.hash.includes('=')) return; // a link to a chart, not a choice
  Object.assign(state, data.state);
  readAddress();
  say();
  data.charts.forEach(redraw);
});

readAddress();
say();
for (const chart of data.charts) seen.observe(byId(chart.id));
document.documentElement.dataset.ready = 'true';
