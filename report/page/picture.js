'use strict';
// Draws the two-lane picture of a run: a lane a task, above its line what the kernel did and what
// /proc showed, below it what the debugger said. All text is set as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';

// svg makes an SVG element.
function svg(name, attributes = {}, ...children) {
  const e = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

// el makes an HTML element.
function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) e.addEventListener(key.slice(2), value);
    else if (value === true) e.setAttribute(key, '');
    else if (value !== false && value !== undefined) e.setAttribute(key, value);
  }
  e.append(...children);
  return e;
}

const LANE = 62, TOP = 40, BOTTOM = 26, HALF = 15;

// time writes nanoseconds of a run.
const time = (ns) => (ns / 1e6).toFixed(3) + ' ms';

// taskName names a task for people.
function taskName(task) {
  if (task.kind === 'unknown') return `task ${task.tid}, which the kernel did not make`;
  return `${task.path} (task ${task.tid}${task.later ? `, then ${task.later}` : ''})`;
}

// shortName names a task in the picture.
function shortName(scene, place) {
  const task = scene.tasks[place];
  return task.path || String(task.tid);
}

// absences is what stands where something is missing.
const absences = {
  birth: 'birth not told', attach: 'not attached', exec: 'exec not told', end: 'end not told',
  vforkdone: 'vforkdone not told', signal: 'signal not told', delivery: 'signal not delivered',
  'end of the process': 'process’s end not told', 'place in the list': 'not listed',
  stop: 'not stopped', release: 'not let go', progress: 'stuck', 'end of the program': 'no end',
};

const sources = {kernel: 'the kernel', proc: '/proc', debugger: 'the debugger'};

// itemsOf are the marks and what is missing, in the order of their times. An item says whether the
// rule was broken there: alarm is the number of the violation, from 1.
function itemsOf(scene, wrong) {
  const alarms = new Map();
  wrong.forEach((w, i) => { if (w.mark >= 0 && !alarms.has(w.mark)) alarms.set(w.mark, i + 1); });
  const items = scene.marks.map((m, i) => ({
    ...m, alarm: alarms.get(i) || 0, side: m.by === 'debugger' ? 1 : -1,
    short: shortText(scene, m),
  }));
  wrong.forEach((w, i) => {
    if (w.mark >= 0 || w.task < 0) return;
    const what = w.missing || w.kind;
    items.push({
      by: 'debugger', at: w.at, task: w.task, child: -1, kind: what, side: 1, alarm: i + 1,
      missing: Boolean(w.missing), noticed: Boolean(w.noticed), text: w.text,
      short: absences[what] || what,
    });
  });
  items.forEach((item, i) => { item.order = i; });
  return items.sort((a, b) => a.at - b.at || a.order - b.order);
}

// shortText is what stands beside a mark.
function shortText(scene, m) {
  switch (m.kind) {
  case 'clone': case 'fork': case 'vfork': {
    if (m.by === 'kernel' || m.child < 0) return m.kind;
    return `${m.kind} ${shortName(scene, m.child)}`;
  }
  case 'exit': case 'end': case 'signal':
    return m.kind === 'signal' ? m.label : `${m.kind} ${m.label}`;
  }
  return m.kind;
}

// place gives each item its x. The axis keeps the order of times, not their distances: marks of one
// lane and side do not overlap, and a mark is never left of an earlier one.
function place(scene, items) {
  const ends = new Map();
  let x = 18, last = -1;
  const steps = [
    ...scene.moments.map((moment) => ({at: moment.at, moment})),
    ...items.map((item) => ({at: item.at, item})),
  ];
  steps.sort((a, b) => a.at - b.at);
  for (const {at, item, moment} of steps) {
    if (at !== last) x += 7;
    last = at;
    const key = moment ? 'top' : `${item.task} ${item.side}`;
    const width = 22 + 6.4 * (moment ? moment.text : item.short).length;
    x = Math.max(x, ends.get(key) || 0);
    ends.set(key, x + width);
    (moment || item).x = x;
  }
  return Math.max(x, ...ends.values()) + 30;
}

// shapeOf is the mark itself: a disc of the kernel's, a square of /proc's, a triangle of the
// debugger's.
function shapeOf(item) {
  if (item.by === 'kernel') return svg('circle', {class: 'shape kernel', r: 4.5});
  if (item.by === 'proc') {
    return svg('rect', {class: 'shape proc', x: -4, y: -4, width: 8, height: 8, rx: 1.5});
  }
  return svg('path', {class: 'shape debugger', d: 'M-5.5 -4.5 H5.5 L0 5.5 Z'});
}

// describe says what an item is, for people that do not see it.
function describe(scene, item) {
  const alarm = item.alarm ? `Violation ${item.alarm}. ` : '';
  const when = scene.untimed && item.by === 'kernel' ? '' : `, ${time(item.at)}`;
  if (item.missing) return `${alarm}${item.short}. ${item.text}`;
  return `${alarm}${sources[item.by]}${when}: ${item.text}`;
}

// rowsOf gives each task its y. Where tasks are folded between two, there is a row that says so.
function rowsOf(scene) {
  const ys = [], gaps = [];
  let y = 0, next = 0;
  for (const task of scene.tasks) {
    if (task.kind !== 'unknown' && task.number > next) {
      gaps.push({y, text: `… ${task.number - next} tasks folded`});
      y += 22;
    }
    next = task.number + 1;
    ys.push(y + LANE / 2);
    y += LANE;
  }
  return {ys, gaps, height: y + BOTTOM};
}

// drawNames draws the lanes' names, which stay in view.
function drawNames(scene, rows, narrow) {
  const width = narrow ? 92 : 150;
  const names = svg('svg', {
    class: 'names', width, height: rows.height, role: 'img',
    'aria-label': 'Tasks: ' + scene.tasks.map(taskName).join(', '),
  });
  const clip = narrow ? 13 : 21;
  scene.tasks.forEach((task, i) => {
    const y = rows.ys[i], path = task.path || 'no such task';
    const shown = path.length > clip ? '…' + path.slice(1 - clip) : path;
    const kind = {first: 'main thread', unknown: 'only said'}[task.kind] || task.kind;
    const ids = task.tid + (task.later ? ` → ${task.later}` : narrow ? '' : ` ${kind}`);
    names.append(
      svg('text', {x: 10, y: y - 4, class: 'path'}, shown),
      svg('text', {x: 10, y: y + 12, class: 'dim'}, ids));
  });
  for (const gap of rows.gaps) {
    names.append(svg('text', {x: 10, y: gap.y + 15, class: 'dim'}, '…'));
  }
  return names;
}

// drawBack draws what the marks stand on: lanes, moments, lives and births.
function drawBack(scene, items, rows, width) {
  const g = svg('g', {'aria-hidden': 'true'});
  rows.ys.forEach((y, i) => {
    if (i % 2 === 0) return;
    g.append(svg('rect', {class: 'stripe', x: 0, y: y - LANE / 2, width, height: LANE}));
  });
  const bottom = rows.height - BOTTOM, first = items.find((item) => item.alarm === 1);
  if (first) {
    g.append(svg('rect', {class: 'band', x: first.x - 10, y: 0, width: 20, height: bottom}));
  }
  for (const m of scene.moments) {
    g.append(svg('line', {class: 'moment', x1: m.x, x2: m.x, y1: 0, y2: bottom}));
  }
  for (const gap of rows.gaps) {
    g.append(svg('text', {class: 'dim', x: 10, y: gap.y + 15}, gap.text));
  }
  const births = new Map(), ends = new Map();
  for (const item of items) {
    if (item.by !== 'kernel') continue;
    if (item.child >= 0) births.set(item.child, item);
    if (item.kind === 'exit') ends.set(item.task, item);
  }
  scene.tasks.forEach((task, i) => {
    if (task.kind === 'unknown') return;
    const birth = births.get(i), end = ends.get(i), y = rows.ys[i];
    const from = birth ? birth.x : 0, to = end ? end.x : width - 12;
    g.append(svg('line', {class: 'life', x1: from, x2: Math.max(to, from + 4), y1: y, y2: y}));
    if (birth) {
      const at = rows.ys[birth.task];
      const down = y > at ? 1 : -1, tip = y - 4 * down;
      g.append(svg('path', {
        class: 'birth',
        d: `M${from} ${at - HALF} V${tip} m-4 ${-6 * down} l4 ${6 * down} l4 ${-6 * down}`,
      }));
    }
  });
  return g;
}

// drawTop draws what stands above the lanes and stays in view: the moments of the run, and where
// the first violation is.
function drawTop(scene, items, width) {
  const moments = scene.moments.map((m) => m.text).join(', ');
  const top = svg('svg', {
    class: 'top', width, height: TOP, role: 'img', 'aria-label': `Moments: ${moments || 'none'}`,
  });
  const first = items.find((item) => item.alarm === 1);
  if (first) {
    top.append(
      svg('rect', {class: 'band', x: first.x - 10, y: 18, width: 20, height: TOP - 18}),
      svg('text', {class: 'alarm', x: first.x - 10, y: 13},
        first.noticed ? '▼ noticed here' : '▼ first divergence'));
  }
  for (const m of scene.moments) {
    top.append(
      svg('line', {class: 'moment', x1: m.x, x2: m.x, y1: 34, y2: TOP}),
      svg('text', {class: 'dim', x: m.x, y: 30}, m.text));
  }
  return top;
}

// drawTimes draws some times below the lanes.
function drawTimes(items, rows) {
  const g = svg('g', {'aria-hidden': 'true'});
  let free = 0;
  for (const item of items) {
    if (item.x < free || item.at <= 0) continue;
    g.append(svg('text', {class: 'dim', x: item.x - 5, y: rows.height - 8}, time(item.at)));
    free = item.x + 110;
  }
  return g;
}

// drawItem draws a mark with its text. Only one mark is in the order of the Tab key: the arrow keys
// go to the others.
function drawItem(scene, item, rows) {
  const y = rows.ys[item.task] + item.side * HALF;
  const classes = ['item-mark', item.by + '-text'];
  if (item.alarm) classes.push(item.missing ? 'missing bad' : 'bad');
  const g = svg('g', {
    class: classes.join(' '), transform: `translate(${item.x} ${y})`, tabindex: -1, role: 'img',
    'aria-label': `${taskName(scene.tasks[item.task])}: ${describe(scene, item)}`,
  });
  const width = 18 + 6.4 * item.short.length;
  g.append(
    svg('rect', {class: 'halo', x: -9, y: -10, width: width + 4, height: 20, rx: 4}),
    svg('rect', {x: -9, y: -11, width: width + 4, height: 22, fill: 'transparent'}),
    shapeOf(item), svg('text', {x: 9, y: 4}, item.short));
  return g;
}

// legend says what the marks mean. Of a trace there is nothing but what the kernel did.
function legend(scene) {
  const mark = (item, text) => el('span', {},
    svg('svg', {width: 14, height: 14, viewBox: '-7 -7 14 14', 'aria-hidden': 'true'},
      svg('g', {class: item.class || ''}, shapeOf(item))), text);
  const parts = [mark({by: 'kernel'}, 'above the line: what the kernel did')];
  if (scene.marks.some((m) => m.by !== 'kernel')) parts.push(
    mark({by: 'proc'}, 'a look at /proc: the state it showed'),
    mark({by: 'debugger'}, 'below it: what the debugger said, when it was read'),
    mark({by: 'debugger', class: 'bad'}, 'said, and wrong'),
    mark({by: 'debugger', class: 'missing bad'}, 'due, and missing'));
  if (scene.untimed) {
    parts.push(el('span', {}, 'No account has the kernel’s times here: births stand in their ' +
      'order, and ends are left out.'));
  }
  return el('div', {class: 'legend picture-legend'}, ...parts);
}

// drawPicture draws a scene and what is wrong in it into a host, and brings the first violation
// into view.
function drawPicture(host, scene, wrong) {
  const narrow = innerWidth < 700;
  const items = itemsOf(scene, wrong), rows = rowsOf(scene);
  const width = Math.max(place(scene, items), host.clientWidth - (narrow ? 92 : 150) - 44);
  const strip = el('div', {class: 'strip', 'aria-live': 'polite'});
  const chart = svg('svg', {
    width, height: rows.height, role: 'group',
    'aria-label': 'What the kernel did and what the debugger said. ' +
      'Left and right go through the steps in time.',
  });
  const nodes = items.map((item) => drawItem(scene, item, rows));
  chart.append(drawBack(scene, items, rows, width), drawTimes(items, rows), ...nodes);
  const lanes = el('div', {class: 'lanes'}, el('div', {class: 'corner'}),
    drawTop(scene, items, width), drawNames(scene, rows, narrow), chart);
  const picture = el('div', {class: 'picture'}, legend(scene), lanes, strip);
  host.append(picture);

  let current = -1;
  const show = (i) => {
    if (current >= 0) {
      nodes[current].classList.remove('on');
      nodes[current].setAttribute('tabindex', -1);
    }
    current = i;
    nodes[i].classList.add('on');
    nodes[i].setAttribute('tabindex', 0);
    const item = items[i], task = scene.tasks[item.task];
    const line = item.by === 'debugger' ? item.line : item.line && `seen ${item.line}`;
    strip.replaceChildren(
      el('strong', {}, taskName(task)), ` · ${describe(scene, item)}`,
      ...(line ? [el('code', {}, line)] : []));
  };
  const reveal = (i, focus) => {
    const item = items[i], names = narrow ? 92 : 150;
    const middle = (lanes.clientWidth - names) / 2;
    lanes.scrollLeft = item.x - middle;
    lanes.scrollTop = rows.ys[item.task] + TOP - lanes.clientHeight / 2;
    show(i);
    if (focus) nodes[i].focus({preventScroll: true});
  };
  nodes.forEach((node, i) => {
    node.addEventListener('mouseenter', () => show(i));
    node.addEventListener('click', () => { show(i); node.focus({preventScroll: true}); });
    node.addEventListener('focus', () => show(i));
  });
  chart.addEventListener('keydown', (event) => {
    const last = items.length - 1;
    const to = {
      ArrowRight: Math.min(current + 1, last), ArrowLeft: Math.max(current - 1, 0),
      Home: 0, End: last,
    }[event.key];
    let next = to;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      next = nearest(items, rows, current, event.key === 'ArrowDown' ? 1 : -1);
    }
    if (next === undefined) return;
    event.preventDefault();
    reveal(next, true);
  });
  const first = Math.max(items.findIndex((item) => item.alarm === 1), 0);
  if (items.length > 0) reveal(first, false);
  const list = wrongList(wrong, (n) => {
    const i = items.findIndex((item) => item.alarm === n);
    if (i >= 0) reveal(i, true);
  });
  if (list) host.append(list);
  const folded = scene.folded || {};
  if (folded.tasks || folded.marks) {
    host.append(el('p', {class: 'hint'},
      `Folded: ${folded.tasks || 0} tasks and ${folded.marks || 0} steps` + (wrong.length ?
        ' that are further from what is wrong. The evidence of a run that was kept has all.' :
        '.')));
  }
  host.append(stepTable(scene, items));
}

// nearest is the item of the next lane up or down that is nearest in time.
function nearest(items, rows, from, way) {
  const y = (item) => rows.ys[item.task] + item.side * HALF;
  const at = y(items[from]);
  let best, least = Infinity;
  items.forEach((item, i) => {
    const down = (y(item) - at) * way;
    if (down <= 0) return;
    const cost = down * 1e6 + Math.abs(item.x - items[from].x);
    if (cost < least) [best, least] = [i, cost];
  });
  return best;
}

// wrongList lists the violations. Those that are in the picture are buttons.
function wrongList(wrong, go) {
  if (wrong.length === 0) return null;
  return el('ol', {class: 'wrongs'}, ...wrong.map((w, i) => {
    const text = w.text.split('\n')[0];
    if (w.mark < 0 && w.task < 0) return el('li', {}, `${w.kind}: ${text} (no one task’s)`);
    return el('li', {}, el('button', {type: 'button', onclick: () => go(i + 1)},
      `${w.kind}: ${text}`));
  }));
}

// stepTable has the picture as a table.
function stepTable(scene, items) {
  const row = (item) => {
    const line = item.line ? [el('br'), el('code', {}, item.line)] : [];
    return el('tr', {class: item.alarm ? 'bad' : ''},
      el('td', {}, scene.untimed && item.by === 'kernel' ? '' : time(item.at)),
      el('td', {}, item.missing ? 'missing' : sources[item.by]),
      el('td', {}, taskName(scene.tasks[item.task])),
      el('td', {}, item.text.split('\n')[0], ...line));
  };
  const body = el('tbody');
  const details = el('details', {class: 'steps'}, el('summary', {}, 'The steps as a table'),
    el('div', {class: 'scroll'}, el('table', {},
      el('thead', {}, el('tr', {}, ...['time', 'by', 'task', 'step'].map((name) =>
        el('th', {scope: 'col'}, name)))), body)));
  details.addEventListener('toggle', () => {
    if (details.open && !body.firstChild) body.append(...items.map(row));
  });
  return details;
}
