'use strict';
// Shows the results: what is unexpected, the matrix, and the evidence of one result.

const data = JSON.parse(document.getElementById('data').textContent);

const verdicts = {
  F: 'FAIL', X: 'KPASS', R: 'UNRESOLVED', K: 'KFAIL', P: 'PASS', N: 'UNTESTED', U: 'UNSUPPORTED',
};
const ranks = 'FXRKPNU'; // what is to be looked at first comes first
const unexpected = 'FXR';

// A result is one rule's verdict in one cell of the matrix.
const results = [];
const cellAt = new Map();
data.cells.forEach((cell) => {
  cellAt.set(`${cell.c} ${cell.s}`, cell);
  cell.notes = new Map((cell.n || []).map((note) => [note.r, note]));
  for (let rule = 0; rule < cell.v.length; rule++) {
    const letter = cell.v[rule];
    if (letter === ' ') continue;
    results.push({cell, rule, letter, note: cell.notes.get(rule)});
  }
});

// failures counts for each scenario and rule the columns that were judged, and those that failed.
const failures = new Map();
for (const r of results) {
  const key = `${r.cell.s} ${r.rule}`;
  const f = failures.get(key) || {judged: 0, failed: 0};
  if ('FKP'.includes(r.letter) || r.letter === 'X') f.judged++;
  if ('FK'.includes(r.letter)) f.failed++;
  failures.set(key, f);
}

const state = {
  verdicts: new Set(ranks), group: '', rule: '', column: '', text: '', scope: '',
  open: new Set(), listed: 100,
};

const scenarioOf = (r) => data.scenarios[r.cell.s];
const nameOf = (s) => `${s.name}/${s.mode}`;
const detailOf = (r) => (r.note ? data.texts[r.note.d] : '');

// matches tells whether a result passes the filters.
function matches(r) {
  const s = scenarioOf(r);
  if (!state.verdicts.has(r.letter)) return false;
  if (state.group !== '' && s.group !== Number(state.group)) return false;
  if (state.rule !== '' && r.rule !== Number(state.rule)) return false;
  if (state.column !== '' && r.cell.c !== Number(state.column)) return false;
  if (state.scope !== '') {
    const f = failures.get(`${r.cell.s} ${r.rule}`);
    if (!'FK'.includes(r.letter)) return false;
    if (state.scope === 'here' && !(f.failed === 1 && f.judged > 1)) return false;
    if (state.scope === 'everywhere' && !(f.failed === f.judged && f.judged > 1)) return false;
  }
  if (state.text === '') return true;
  const hay = `${nameOf(s)} ${s.sentence} ${data.rules[r.rule][0]} ` +
    `${data.columns[r.cell.c].label} ${detailOf(r)}`;
  return hay.toLowerCase().includes(state.text);
}

// verdict is a verdict's word in its colour.
function verdict(letter) {
  return el('span', {class: `verdict ${verdicts[letter]}`}, verdicts[letter]);
}

// count writes how many verdicts of each kind there are, the worst first.
function countText(letters) {
  const count = {};
  for (const letter of letters) count[letter] = (count[letter] || 0) + 1;
  return [...ranks].filter((l) => count[l]).map((l) => `${count[l]} ${verdicts[l]}`).join(', ');
}

// cellText is what a cell of the matrix shows: what is unexpected or known, else that all passed.
function cellText(letters) {
  const count = {};
  for (const letter of letters) count[letter] = (count[letter] || 0) + 1;
  const parts = [];
  for (const letter of 'FXRK') {
    if (!count[letter]) continue;
    if (parts.length) parts.push(', ');
    parts.push(el('b', {class: verdicts[letter]}, `${count[letter]} ${verdicts[letter]}`));
  }
  if (parts.length) return parts;
  if (count.P) return [el('span', {class: 'PASS'}, `✓ ${count.P}`)];
  if (count.N) return [el('span', {class: 'none'}, 'untested')];
  if (count.U) return [el('span', {class: 'none'}, 'unsupported')];
  return [];
}

let shown = []; // the results that pass the filters and are not a plain pass
let listed = []; // those of them that are listed: without filters, what is unexpected

// refresh draws the list and the matrix anew.
function refresh() {
  const passing = results.filter(matches);
  const rank = (r) => ranks.indexOf(r.letter);
  shown = passing.filter((r) => r.letter !== 'P' || r.note);
  shown.sort((a, b) => rank(a) - rank(b) || a.cell.c - b.cell.c || a.cell.s - b.cell.s ||
    a.rule - b.rule);
  drawList();
  drawMatrix(passing);
}

// drawList lists the results that have evidence: without filters, what is unexpected.
function drawList() {
  listed = filtersAreSet() ? shown : shown.filter((r) => unexpected.includes(r.letter));
  document.getElementById('count').textContent = listed.length ?
    `${listed.length} of ${results.length} verdicts` :
    filtersAreSet() ? 'No verdict with evidence passes these filters.' :
      'Every verdict is as expected.';
  const known = results.filter((r) => r.letter === 'K').length;
  if (listed.length === 0 && !filtersAreSet() && known > 0) {
    document.getElementById('count').append(' ', el('button', {
      class: 'plain', type: 'button', onclick: () => showOnly('K'),
    }, `show the ${known} known failures`));
  }
  const items = listed.slice(0, state.listed).map((r) => el('li', {}, item(r)));
  if (listed.length > state.listed) {
    items.push(el('li', {}, el('button', {
      class: 'item', type: 'button', onclick: () => { state.listed += 400; drawList(); },
    }, `${listed.length - state.listed} more …`)));
  }
  document.getElementById('list').replaceChildren(...items);
}

// showOnly sets the filter of verdicts to one.
function showOnly(letter) {
  state.verdicts = new Set(letter);
  for (const box of document.querySelectorAll('.chips input')) box.checked = box.value === letter;
  refresh();
}

function filtersAreSet() {
  return state.group !== '' || state.rule !== '' || state.column !== '' || state.text !== '' ||
    state.scope !== '' || state.verdicts.size < ranks.length;
}

// item is a line of the list.
function item(r) {
  const s = scenarioOf(r);
  return el('button', {class: 'item', type: 'button', onclick: () => openEvidence(r, listed)},
    verdict(r.letter), el('span', {}, data.columns[r.cell.c].label),
    el('span', {}, el('b', {}, nameOf(s)), ` ${data.rules[r.rule][0]}`),
    el('span', {class: 'what'}, detailOf(r).split('\n')[0].slice(0, 220)));
}

// drawMatrix draws groups by debuggers; a group that is open shows its scenarios.
function drawMatrix(passing) {
  const columns = data.columns.map((_, i) => i)
    .filter((i) => state.column === '' || i === Number(state.column));
  const byRow = new Map(), byGroup = new Map();
  const push = (map, key, r) => {
    if (!map.has(key)) map.set(key, []);
    map.get(key).push(r);
  };
  for (const r of passing) {
    push(byRow, `${r.cell.c} ${r.cell.s}`, r);
    push(byGroup, `${r.cell.c} ${scenarioOf(r).group}`, r);
  }
  const rows = [];
  data.groups.forEach((group, g) => {
    if (!columns.some((c) => byGroup.has(`${c} ${g}`))) return;
    const open = state.open.has(g);
    rows.push(el('tr', {class: 'group'},
      el('th', {scope: 'row'}, el('button', {
        class: 'open', type: 'button', 'aria-expanded': String(open),
        onclick: () => {
          if (open) state.open.delete(g); else state.open.add(g);
          drawMatrix(passing);
          document.querySelector(`[data-group="${g}"]`).focus();
        },
        'data-group': g,
      }, el('span', {class: 'arrow', 'aria-hidden': 'true'}, open ? '▾' : '▸'), group)),
      ...columns.map((c) => groupCell(byGroup.get(`${c} ${g}`)))));
    if (!open) return;
    data.scenarios.forEach((s, i) => {
      if (s.group === g && columns.some((c) => byRow.has(`${c} ${i}`))) {
        rows.push(scenarioRow(s, columns.map((c) => byRow.get(`${c} ${i}`))));
      }
    });
  });
  const head = el('tr', {}, el('th', {scope: 'col'}, 'scenarios'),
    ...columns.map((c) => el('th', {scope: 'col'}, data.columns[c].label)));
  document.getElementById('matrix').replaceChildren(
    el('thead', {}, head), el('tbody', {}, ...rows));
}

function groupCell(list) {
  if (!list) return el('td', {}, el('span', {class: 'cell none'}, 'not run'));
  const letters = list.map((r) => r.letter);
  return el('td', {title: countText(letters)}, el('span', {class: 'cell'}, ...cellText(letters)));
}

function scenarioRow(s, lists) {
  return el('tr', {},
    el('th', {scope: 'row', title: s.sentence}, el('div', {class: 'row'}, s.name,
      el('span', {class: 'mode'}, ` ${s.mode}`))),
    ...lists.map((list) => {
      if (!list) return el('td', {}, el('span', {class: 'cell none'}, 'not run'));
      const letters = list.map((r) => r.letter);
      const among = list.filter((r) => r.letter !== 'P' || r.note)
        .sort((a, b) => ranks.indexOf(a.letter) - ranks.indexOf(b.letter) || a.rule - b.rule);
      const title = countText(letters);
      if (among.length === 0) {
        return el('td', {title}, el('span', {class: 'cell'}, ...cellText(letters)));
      }
      const label = `${nameOf(s)}, ${data.columns[list[0].cell.c].label}: ${title}`;
      return el('td', {title}, el('button', {
        class: 'cell', type: 'button', 'aria-label': label,
        onclick: () => openEvidence(among[0], among),
      }, ...cellText(letters)));
    }));
}

// openEvidence shows all that is known of a result. Among are those that next and previous go
// through.
function openEvidence(r, among) {
  const dialog = document.getElementById('evidence');
  const s = scenarioOf(r), rule = data.rules[r.rule], column = data.columns[r.cell.c];
  const at = among.indexOf(r);
  const go = (text, to) => el('button', {
    class: 'plain', type: 'button', disabled: to < 0 || to >= among.length,
    onclick: () => openEvidence(among[to], among),
  }, text);
  const body = el('div', {class: 'body'});
  dialog.replaceChildren(
    el('div', {class: 'head'}, verdict(r.letter),
      el('h2', {id: 'evidence-title', tabindex: -1, autofocus: true}, `${nameOf(s)}: ${rule[0]} `,
        el('span', {class: 'where'}, column.label)),
      el('span', {class: 'hint'}, `${at + 1} of ${among.length}`),
      go('previous', at - 1), go('next', at + 1),
      el('button', {class: 'plain', type: 'button', onclick: () => dialog.close()}, 'close')),
    body);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  fillEvidence(body, r, s, rule, column);
  history.replaceState(null, '', '#' + encodeURIComponent(idOf(r)));
}

// idOf is a result's name, by which a link opens its evidence.
function idOf(r) {
  const s = scenarioOf(r);
  return `${data.columns[r.cell.c].label}/${nameOf(s)}/${data.rules[r.rule][0]}`;
}

// openLinked opens the evidence that the page's address names.
function openLinked() {
  let id = '';
  try {
    id = decodeURIComponent(location.hash.slice(1));
  } catch {
    return; // a mangled address names nothing
  }
  const r = id && results.find((one) => idOf(one) === id);
  if (r) openEvidence(r, listed.includes(r) ? listed : [r]);
}

function fillEvidence(body, r, s, rule, column) {
  const note = r.note || {}, facts = el('dl');
  const fact = (name, text) => {
    if (text) facts.append(el('dt', {}, name), el('dd', {}, text));
  };
  fact('the program', s.sentence);
  fact('the rule', rule[1] && `${rule[0]}: ${rule[1]}`);
  fact('where', `${column.machine}, tidcheck ${column.suite}`);
  if (note.runs) fact('runs', `${note.passed || 0} of ${note.runs} passed`);
  fact('kept in', data.texts[note.k || 0]);
  fact('not whole', column.lacking);
  body.append(facts, el('h3', {}, r.letter === 'P' ? 'How it was judged' : 'What was found'),
    el('pre', {tabindex: 0}, detailOf(r) || 'nothing was said'));
  if (note.p) {
    body.append(el('h3', {}, 'What the kernel did, and what the debugger said'));
    const wrong = (note.w || []).map((w) => ({...w, text: data.texts[w.text]}));
    drawPicture(body, data.scenes[note.p - 1], wrong);
  } else if ('FKR'.includes(r.letter)) {
    body.append(el('p', {class: 'hint'}, data.leftOut ?
      'No picture: there was no room for it, or the report has none.' :
      'No picture: the report has none of this run.'));
  }
  if (note.a) {
    const command = data.texts[note.a];
    body.append(el('h3', {}, 'Run it once more'), el('div', {class: 'command'},
      el('pre', {tabindex: 0}, command), el('button', {
        class: 'plain', type: 'button', onclick: (event) => copy(command, event.target),
      }, 'copy')));
  }
}

// fitPaper makes the picture as wide as a sheet, and opens its table, which has all in words.
function fitPaper(printing) {
  for (const lanes of document.querySelectorAll('.lanes')) {
    const fit = Math.min(1, 960 / lanes.scrollWidth, 520 / lanes.scrollHeight);
    lanes.style.zoom = printing ? fit : '';
  }
  for (const table of document.querySelectorAll('.steps')) {
    if (printing) table.open = true;
  }
}

// copy copies a command, and says so.
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'copied';
  } catch {
    button.textContent = 'select and copy it';
  }
}

// select is a filter that chooses one.
function select(label, key, choices) {
  const s = el('select', {onchange: () => { state[key] = s.value; refresh(); }},
    ...choices.map(([value, text]) => el('option', {value}, text)));
  return el('label', {}, label, s);
}

function tools() {
  const all = (names) => [['', 'all'], ...names.map((name, i) => [i, name])];
  const used = [...ranks].filter((l) => results.some((r) => r.letter === l));
  const chips = used.map((letter) => {
    const box = el('input', {
      type: 'checkbox', value: letter, checked: true, onchange: () => {
        if (box.checked) state.verdicts.add(letter); else state.verdicts.delete(letter);
        refresh();
      },
    });
    return el('label', {}, box, verdict(letter));
  });
  const text = el('input', {
    type: 'search', placeholder: 'scenario, tid, words …', oninput: () => {
      state.text = text.value.toLowerCase();
      refresh();
    },
  });
  return el('div', {class: 'tools', role: 'search'},
    el('label', {}, 'text', text),
    select('debugger', 'column', all(data.columns.map((c) => c.label))),
    select('group', 'group', all(data.groups)),
    select('rule', 'rule', all(data.rules.map((r) => r[0]))),
    ...(data.columns.length > 1 ? [select('fails', 'scope', [
      ['', 'anywhere'], ['here', 'only here'], ['everywhere', 'everywhere'],
    ])] : []),
    el('fieldset', {}, el('legend', {}, 'verdicts'), el('div', {class: 'chips'}, ...chips)));
}

function start() {
  document.getElementById('app').append(
    el('section', {'aria-labelledby': 'unexpected-title'},
      el('h2', {id: 'unexpected-title'}, 'Verdicts to look at'), tools(),
      el('p', {class: 'hint', id: 'count', role: 'status'}), el('ul', {class: 'list', id: 'list'})),
    el('section', {'aria-labelledby': 'matrix-title'},
      el('h2', {id: 'matrix-title'}, 'Scenarios by debuggers'),
      el('p', {class: 'hint'}, 'A group opens to its scenarios. A number counts rules; ' +
        '✓ counts those that passed where nothing failed.'),
      el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'matrix'},
        el('table', {class: 'matrix', id: 'matrix'}))));
  if (data.leftOut) {
    document.getElementById('app').append(el('p', {class: 'hint'},
      `${data.leftOut} pictures and details are left out, to keep the page below 20 MB. ` +
      'The JSON has them.'));
  }
  refresh();
  document.getElementById('evidence').addEventListener('close', () =>
    history.replaceState(null, '', location.pathname + location.search));
  addEventListener('hashchange', openLinked);
  addEventListener('beforeprint', () => fitPaper(true));
  addEventListener('afterprint', () => fitPaper(false));
  openLinked();
}

start();
