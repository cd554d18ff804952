// --- tables ---

// What people came for first, the sources last.
function visible(chart, rows) {
  const all = Object.keys(rows[0] || {}).filter((column) => !column.startsWith('chart_')), first = chart.first || [];
  return [...first.filter((column) => all.includes(column)), ...all.filter((column) => !first.includes(column))];
}

// A heat map's cells and the reader's own are numbers it draws: they stand in its table.
const tableOf = (chart) => (chart.derive === 'sensitivity'
  ? (chart.drawn || []).map((row) => ({what: row.chart_part, gpu_share: row.gpu, margin_share: row.margin, required_usd: row.need,
    gap_usd: row.chart_usd, known_from: row.known_from, fact_ids: row.fact_ids})) : chosen(chart, chart.table));

function sourcesCell(chart, facts) {
  const list = (some) => some.map((fact) => make('div', {}, ...source(chart, fact)));
  if (facts.length <= 2) return list(facts);
  const rest = make('details', {ontoggle: () => { if (rest.childElementCount === 1) rest.append(...list(facts.slice(1))); }},
    make('summary', {}, `and ${facts.length - 1} more`));
  return [...list(facts.slice(0, 1)), rest];
}

function fillTable(chart) {
  if (!chart.details.open || !chart.rows) return;
  const rows = tableOf(chart), columns = visible(chart, rows.length ? rows : chart.table);
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
    ? make('td', {class: 'sources'}, ...sourcesCell(chart, row[column]))
    : make('td', {class: typeof row[column] === 'number' ? 'number' : null,
      title: isMoney(column) && row[column] !== null ? `${row[column].toLocaleString('en-US')} USD` : null}, shown(column, row[column]))))));
  const table = make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${chart.title}: table`},
    make('table', {}, make('caption', {class: 'hidden'}, chart.title), make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...body)));
  chart.details.replaceChildren(chart.details.firstElementChild,
    make('div', {class: 'tools'}, make('button', {type: 'button', onclick: () => download(chart, rows, columns)}, 'Download CSV'),
      `${rows.length} rows; exact values`), table);
}

function csv(chart, rows, columns) {
  // A cell that a spreadsheet would take for a formula is marked as text.
  const cell = (value) => {
    let text = value === null || value === undefined ? '' : String(value);
    if (typeof value === 'string' && /^[=+\-@\t\r\n]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const each = (facts, key) => [...new Set(facts.map((fact) => chart.citations[fact][key]).filter(Boolean))].join(' ');
  const names = columns.flatMap((column) => (column === 'fact_ids' ? ['fact_ids', 'accessions', 'source_urls'] : [column]));
  const lines = rows.map((row) => columns.flatMap((column) => (column === 'fact_ids'
    ? [each(row.fact_ids, 'fact_id'), each(row.fact_ids, 'accession'), each(row.fact_ids, 'source_url')] : [row[column]])).map(cell).join(','));
  return [names.join(','), ...lines, ''].join('\r\n');
}

function download(chart, rows, columns) {
  const url = URL.createObjectURL(new Blob([csv(chart, rows, columns)], {type: 'text/csv'}));
  make('a', {href: url, download: `${chart.id}.csv`}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

