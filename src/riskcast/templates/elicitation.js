'use strict';
// The fit of three numbers, as riskcast.case.quantities.elicit has it.
const forward = (l, x) => ({
  identity: () => x, log: () => Math.log(x),
  logit: () => Math.log((x - l.low) / (l.high - x)), cloglog: () => Math.log(-Math.log1p(-x)),
})[l.name]();
const inverse = (l, y) => {
  const x = ({
    identity: () => y, log: () => Math.exp(y),
    logit: () => l.low + (l.high - l.low) / (1 + Math.exp(-y)), cloglog: () => -Math.expm1(-Math.exp(y)),
  })[l.name]();
  return l.held ? Math.max(l.low, Math.min(l.high, x)) : x;
};
const takes = (l, x) => l.held
  ? l.low <= x && x <= l.high && (l.name !== 'log' || x > 0)
  : (l.name !== 'log' || x > 0) && (l.low === null || l.low < x) && (l.high === null || x < l.high);
const isEven = (d, l, q) => {
  const [a, m, b] = q.map(x => forward(l, x));
  return 0 < m - a && m - a <= d.most * (b - m) && 0 < b - m && b - m <= d.most * (m - a);
};
const fitting = (d, links, q) => {
  const [own, held] = links;
  const fits = l => l && q.every(x => takes(l, x)) && isEven(d, l, q);
  return fits(own) ? own : fits(held) ? held : null;
};
const quantile = (d, l, q, z) => {
  const [a, m, b] = q.map(x => forward(l, x));
  const reach = (Math.sqrt(z * z + d.knee * d.knee) - d.knee) / d.bend;
  return inverse(l, m + (b - a) * z / (2 * d.z) + ((b + a) / 2 - m) * reach);
};
const fromChips = (chips, low, high, scale) => {
  const to = scale === 'log' ? Math.log : x => x, back = scale === 'log' ? Math.exp : x => x;
  const edges = chips.concat(0).map((_, i) => to(low) + (to(high) - to(low)) * i / chips.length);
  const total = chips.reduce((a, b) => a + b, 0);
  return [0.05, 0.5, 0.95].map(p => {
    let below = 0;
    for (let i = 0; i < chips.length; i++) {
      if (chips[i] > 0 && below + chips[i] >= p * total) {
        return back(edges[i] + (edges[i + 1] - edges[i]) * (p * total - below) / chips[i]);
      }
      below += chips[i];
    }
    return back(edges[chips.length]);
  });
};
// A number with a point or a comma; thousands are not told from decimals by what stands between them.
const number = text => {
  const plain = text.trim();
  if (plain === '') return null;
  if (!/^[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?$/i.test(plain) || /^[-+]?[1-9]\d{0,2},\d{3}$/.test(plain)) return NaN;
  return Number(plain.replace(',', '.'));
};
// What is wrong with a saved file, for this sheet; nothing where it can be gone on with.
const unfit = (data, given) => {
  const isRow = row => row && typeof row === 'object' && Object.values(row).every(x => typeof x === 'string');
  if (!given || !isRow(given.about) || !['training', 'quantities'].every(part => Array.isArray(given[part]) && given[part].every(isRow))) {
    return 'That file is not what this form saved.';
  }
  const same = ['case', 'case_hash', 'method', 'asked'].every(key => given.about[key] === data.about[key]);
  return same ? '' : 'That file answers another sheet: another case, edition of it, or questions.';
};
if (typeof module !== 'undefined') module.exports = { fitting, quantile, fromChips, number, unfit };

if (typeof document !== 'undefined') {
  const data = JSON.parse(document.getElementById('data').textContent);
  const make = (tag, props = {}, ...inner) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...inner);
    return node;
  };
  const show = x => Number(x.toPrecision(3)).toString();
  const cards = [];
  let dirty = false;

  const card = (part, one, place) => {
    const values = data.method === 'chips' ? ['lowest', 'highest'] : ['low', 'median', 'high'];
    const inputs = {};
    const box = make('fieldset', {}, make('legend', { textContent: `${place + 1}. ${one.question}` }));
    box.append(make('p', { className: 'note', textContent: `Unit: ${one.unit || 'none'}${one.published ? `; published: ${one.published}` : ''}` }));
    for (const name of values) {
      inputs[name] = make('input', { inputMode: 'decimal' });
      box.append(make('label', { textContent: name }, inputs[name]));
    }
    const chips = new Array(data.bins).fill(0), bins = make('div', { className: 'bins' });
    const told = make('p', { className: 'told' });
    told.setAttribute('role', 'status');
    if (data.method === 'chips') box.append(bins);
    if (part === 'quantities') {
      inputs.why = make('textarea', { rows: 1 });
      box.append(told, make('label', { textContent: 'why' }, inputs.why));
    } else {
      box.append(told);
    }
    const say = (text, wrong) => { told.textContent = text; told.className = wrong ? 'told wrong' : 'told'; };
    const draw = range => {
      bins.replaceChildren(...chips.map((count, i) => {
        const log = one.scale === 'log', [a, b] = range || [0, 0];
        const at = k => (log ? a * Math.pow(b / a, k / data.bins) : a + (b - a) * k / data.bins);
        const step = by => make('button', {
          type: 'button', textContent: by > 0 ? '+' : '−', ariaLabel: `${by > 0 ? 'add a chip to' : 'take a chip from'} bin ${i + 1}`,
          onclick: () => { chips[i] = Math.max(0, chips[i] + by); dirty = true; refresh(); },
        });
        const bar = make('div', { className: 'bar' });
        bar.style.height = `${count * 8}px`;
        return make('div', { className: 'bin' }, bar, `${count}`, make('br'), range ? `${show(at(i))}–${show(at(i + 1))}` : '', make('br'), step(1), step(-1));
      }));
    };
    const said = () => {
      const own = values.map(name => number(inputs[name].value));
      if (own.every(x => x === null) && !chips.some(x => x)) return { blank: true };
      if (own.some(x => x === null || Number.isNaN(x))) return { wrong: `fill in ${values.join(', ')} with numbers such as 1234 or 0.25, or leave all blank` };
      if (data.method !== 'chips') return own[0] < own[1] && own[1] < own[2] ? { q: own } : { wrong: 'give low < median < high' };
      if (!(own[0] < own[1]) || (one.scale === 'log' && own[0] <= 0)) return { wrong: `give lowest < highest${one.scale === 'log' ? ', above 0' : ''}` };
      const placed = chips.reduce((a, b) => a + b, 0);
      if (placed < data.fewest) return { range: own, wrong: `${placed} of ${data.chips} chips placed; place ${data.fewest} or more` };
      return { range: own, placed, q: fromChips(chips, own[0], own[1], one.scale) };
    };
    const refresh = () => {
      const found = said();
      if (data.method === 'chips') draw(found.range);
      if (found.blank) return say('left blank');
      if (found.wrong) return say(found.wrong, true);
      const link = fitting(data, one.links, found.q);
      if (!link) return say('no prior fits: a number lies outside what it may be, or one side is far longer than the other', true);
      const at = Object.entries(data.scores).map(([name, z]) => `${name}: ${show(quantile(data, link, found.q, z))}`);
      const five = data.method === 'chips' ? `${found.placed} of ${data.chips} chips: 5 %, 50 %, 95 %: ${found.q.map(show).join(', ')}. ` : '';
      say(`${five}This implies ${at.join(' · ')}. One time in two it lies between the middle two.`);
    };
    box.oninput = () => { dirty = true; refresh(); };
    if (part === 'training' && one.answer !== null) {
      const answer = make('span', { textContent: '' });
      box.append(make('button', { type: 'button', textContent: 'Show the answer', onclick: () => {
        const found = said();
        const within = found.q ? (found.q[0] <= one.answer && one.answer <= found.q[2] ? ', within your 90 %' : ', outside your 90 %') : '';
        answer.textContent = ` ${one.answer}${within}`;
      } }), answer);
    }
    const row = () => {
      const own = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value.trim()]));
      if (data.method === 'chips' && chips.some(x => x)) chips.forEach((count, i) => { own[`bin ${i + 1}`] = String(count); });
      return part === 'training'
        ? { question: one.question, scale: one.scale, ...own } : { quantity: one.quantity, question: one.question, ...own };
    };
    const fill = given => {
      Object.entries(inputs).forEach(([name, input]) => { input.value = given[name] || ''; });
      chips.forEach((_, i) => { chips[i] = Number(given[`bin ${i + 1}`] || 0); });
      refresh();
    };
    document.getElementById(part).append(box);
    cards.push({ part, key: one.quantity || one.question, row, fill, said });
    refresh();
  };
  data.training.forEach((one, i) => card('training', one, i));
  document.getElementById('training').hidden = !data.training.length;
  data.quantities.forEach((one, i) => card('quantities', one, i));

  const state = document.getElementById('state');
  document.getElementById('save').onclick = () => {
    const about = { ...data.about };
    for (const id of ['who', 'when', 'why']) about[id] = document.getElementById(id).value.trim();
    const lacking = ['who', 'when', 'why'].filter(id => !about[id]);
    const wrong = cards.filter(one => one.said().wrong).length;
    const rows = part => cards.filter(one => one.part === part).map(one => one.row());
    const text = JSON.stringify({ about, training: rows('training'), quantities: rows('quantities') }, null, 1);
    const link = make('a', { href: URL.createObjectURL(new Blob([text], { type: 'application/json' })), download: `answers_${about.case}.json` });
    link.click();
    state.textContent = lacking.length || wrong
      ? `Saved; but ${[...lacking.map(id => `${id} is empty`), ...(wrong ? [`${wrong} answers are not whole`] : [])].join(', ')}.` : 'Saved. Send the file back.';
  };
  document.getElementById('load').onchange = async event => {
    let given = null;
    try {
      given = JSON.parse(await event.target.files[0].text());
    } catch (error) {
      given = null;
    }
    const wrong = unfit(data, given);
    if (wrong || (dirty && !window.confirm('Put what was saved in the place of what stands here?'))) {
      state.textContent = wrong || 'Nothing was read.';
      return;
    }
    for (const id of ['who', 'when', 'why']) document.getElementById(id).value = given.about[id] || '';
    for (const one of cards) one.fill(given[one.part].find(row => (row.quantity || row.question) === one.key) || {});
    state.textContent = 'Read; go on.';
  };
  // A browser does not say whether a file was kept, so that whoever leaves after an answer is asked.
  for (const id of ['who', 'when', 'why']) document.getElementById(id).oninput = () => { dirty = true; };
  window.addEventListener('beforeunload', event => { if (dirty) event.preventDefault(); });
}
