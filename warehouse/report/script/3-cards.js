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
    facts.length ? make('ol', {}, ...few.map((fact) => make('li', {}, ...source(chart, fact))),
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

