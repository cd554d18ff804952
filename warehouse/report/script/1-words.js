// The page's behaviour: choices, charts, cards, tables. It knows no chart by name but the two that compute their rows.
// Text reaches the page through textContent only; an address becomes a link only if it is http or https.
'use strict';

// A page of the site has what all pages share in a script beside it; the one file carries all in itself.
const data = {...window.aigapCommon, ...JSON.parse(document.getElementById('data').textContent)};
// A column of few texts is packed as places in their list.
const unpack = ({columns, values, texts = {}}) => values.map((row) => Object.fromEntries(columns.map((name, at) => [name,
  texts[name] && row[at] !== null ? texts[name][row[at]] : row[at]])));
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
const isShare = (column) => /_share$|_share_of_tco$|_margin$|^share$|^share_of/.test(column);

function shown(column, value) {
  if (value === null || value === undefined) return '';
  if (isMoney(column)) return money(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (column === 'scenario') return data.scenarios[value] || value;
  if (typeof value === 'string' && /^[a-z0-9]+(_[a-z0-9]+)+$/.test(value)) return value.replaceAll('_', ' '); // a raw name
  if (isShare(column)) return percent(value);
  if (typeof value === 'number') return value.toLocaleString('en-US', {maximumFractionDigits: 2});
  return String(value);
}

function words(column) {
  const text = column.replace(/_usd$/, '').replace(/_tco$/, '_TCO').replaceAll('_', ' ');
  return text === 'fact ids' ? 'Sources' : text[0].toUpperCase() + text.slice(1);
}

function source(chart, fact) {
  const where = chart.citations[fact];
  const name = where.source_title || where.accession || where.fact_id;
  const link = /^https?:\/\//i.test(where.source_url || '')
    ? make('a', {href: where.source_url, rel: 'noopener noreferrer', target: '_blank'}, name) : make('span', {}, name);
  const value = where.unit === 'USD' ? money(Number(where.value)) : where.value && `${where.value} ${where.unit || ''}`;
  const details = [where.company, value, where.form, where.accession, where.filed_on].filter(Boolean).join(' · ');
  return [link, ' ', make('small', {}, details)];
}

