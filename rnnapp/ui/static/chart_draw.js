// Drawing of the live chart: scales, ticks and curves on a canvas. Nothing here knows of Streamlit or of the page.

const DASHES = { solid: [], dash: [6, 4], dot: [1.5, 3], dashdot: [6, 3, 1.5, 3], longdash: [10, 4], longdashdot: [10, 3, 1.5, 3] };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const SIGNIFICANT_DIGITS = 4; // as evaluation/formatting.py
const MOST_PLACES = 12;
const LEAST_PLAIN = 1e-4;

const dateOf = (day) => new Date(day * 86_400_000);
const dayOf = (year, month, date = 1) => Date.UTC(year, month, date) / 86_400_000;

// A date in another language than English, by the browser's own tables.
function writeLocal(day, language, parts) {
  return new Intl.DateTimeFormat(language, { timeZone: "UTC", ...parts }).format(dateOf(day));
}

// A template of the page's language with its named places filled in.
const fillIn = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function writeDay(day, language = "en") {
  if (language !== "en") return writeLocal(day, language, { year: "numeric", month: "long", day: "numeric", weekday: "short" });
  const date = dateOf(day);
  return `${WEEKDAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

const isoDay = (day) => dateOf(Math.round(day)).toISOString().slice(0, 10);

const writeDecimals = (value, places) => value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });

// The power of ten of a number once it is rounded to some significant digits: 0.99996 counts as 1.000.
const powerOf = (value, digits) => Number(value.toExponential(digits - 1).split("e")[1]);

// A price with four significant digits, whatever its size.
function writePrice(value) {
  if (!value) return "0";
  if (Math.abs(value) < LEAST_PLAIN) return value.toExponential(SIGNIFICANT_DIGITS - 1);
  return writeDecimals(value, Math.min(MOST_PLACES, Math.max(0, SIGNIFICANT_DIGITS - 1 - powerOf(value, SIGNIFICANT_DIGITS))));
}

// A tick with the decimals that set it apart from its neighbours: steps are 1, 2, 2.5 or 5 times a power of ten.
function writeTick(value, step) {
  const places = Math.max(0, -powerOf(step, 2));
  const finer = Math.abs(step * 10 ** places - Math.round(step * 10 ** places)) > 1e-6;
  return writeDecimals(value, Math.min(MOST_PLACES, places + finer));
}

// Index of the first element not below the value, in an ascending array.
function lowerBound(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function priceTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? 10 * power;
  const ticks = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) ticks.push(n * step);
  return ticks;
}

// A tick's day, month or year as the language writes it; an English one has its year only where it is set apart.
function writeDateTick(day, language, finest, withYear) {
  const date = dateOf(day);
  const year = String(date.getUTCFullYear());
  if (finest === "year") return language === "en" ? year : writeLocal(day, language, { year: "numeric" });
  if (language !== "en") {
    const parts = { month: "long", ...(finest === "day" && { day: "numeric" }), ...(withYear && { year: "numeric" }) };
    return writeLocal(day, language, parts);
  }
  const month = MONTHS[date.getUTCMonth()];
  const text = finest === "day" ? `${date.getUTCDate()} ${month}` : month;
  return withYear ? `${text} ${year}` : text;
}

// Ticks on the firsts of months or years, or every so many days: [{day, text}]. The first of a view of months or days
// names its year.
function dateTicks(first, last, count, language = "en") {
  const rough = (last - first) / Math.max(1, count);
  const from = dateOf(first);
  const ticks = [];
  if (rough < 25) {
    const step = [1, 2, 3, 7, 14].find((s) => s >= rough) ?? 14;
    const monday = 4; // 5 January 1970 was a Monday
    for (let day = Math.ceil((first - monday) / step) * step + monday; day <= last; day += step) {
      ticks.push({ day, text: writeDateTick(day, language, "day", !ticks.length) });
    }
  } else if (rough < 300) {
    const step = [1, 2, 3, 6].find((s) => s * 30.5 >= rough) ?? 6;
    for (let n = 0; ; n++) {
      const day = dayOf(from.getUTCFullYear(), n * step);
      if (day > last) break;
      if (day < first) continue;
      const finest = dateOf(day).getUTCMonth() === 0 ? "year" : "month";
      ticks.push({ day, text: writeDateTick(day, language, finest, !ticks.length) });
    }
  } else {
    const step = [1, 2, 5, 10, 20, 50].find((s) => s * 365 >= rough) ?? 100;
    for (let year = Math.ceil(from.getUTCFullYear() / step) * step; dayOf(year, 0) <= last; year += step) {
      const day = dayOf(year, 0);
      if (day >= first) ticks.push({ day, text: writeDateTick(day, language, "year") });
    }
  }
  return ticks;
}

// A canvas in device pixels with a context in CSS pixels; sized only when it must be.
function openCanvas(canvas) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

// Which part of a series each day belongs to: a new one begins after a hole, as data/breaks.py finds it.
const PARTS = new WeakMap();
function partsOf(days) {
  if (PARTS.has(days)) return PARTS.get(days);
  const gaps = Int32Array.from(days, (day, i) => (i ? day - days[i - 1] : 0));
  const usual = gaps.slice(1).sort()[(gaps.length - 1) >> 1] ?? 1;
  const widest = Math.max(31, 12 * usual);
  let part = 0;
  const parts = gaps.map((gap) => (gap > widest ? ++part : part));
  PARTS.set(days, parts);
  return parts;
}

// Trace a curve into the path, not across a hole. Where several points share a column of pixels, its first, least, greatest and last stand for them.
function tracePoints(pen, days, rows, values, from, to, x, y) {
  let open = false;
  let column = NaN;
  let low = 0;
  let high = 0;
  let last = 0;
  const dense = to - from > 1200;
  const parts = partsOf(days);
  const finish = () => {
    if (!open || !dense || low === high) return;
    pen.lineTo(column + 0.5, low);
    pen.lineTo(column + 0.5, high);
    pen.lineTo(column + 0.5, last);
  };
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value !== value) {
      open = false;
      continue;
    }
    if (open && parts[rows[i]] !== parts[rows[i - 1]]) {
      finish();
      open = false;
    }
    const px = x(days[rows[i]]);
    const py = y(value);
    if (!open) {
      pen.moveTo(px, py);
      open = true;
      column = Math.floor(px);
      low = high = last = py;
    } else if (dense && Math.floor(px) === column) {
      if (py < low) low = py;
      if (py > high) high = py;
      last = py;
    } else {
      if (dense && (low !== high)) {
        pen.lineTo(column + 0.5, low);
        pen.lineTo(column + 0.5, high);
        pen.lineTo(column + 0.5, last);
      }
      pen.lineTo(px, py);
      column = Math.floor(px);
      low = high = last = py;
    }
  }
  finish();
}

function strokeCurve(pen, days, curve, from, to, x, y, width = curve.width) {
  pen.beginPath();
  tracePoints(pen, days, curve.rows, curve.values, from, to, x, y);
  pen.lineWidth = width;
  pen.setLineDash(DASHES[curve.dash] ?? []);
  pen.strokeStyle = curve.color;
  pen.stroke();
  pen.setLineDash([]);
}

function fillBand(pen, days, curve, from, to, x, y) {
  pen.beginPath();
  let open = false;
  for (let i = from; i < to; i++) {
    if (curve.upper[i] !== curve.upper[i]) continue;
    const px = x(days[curve.rows[i]]);
    if (open) pen.lineTo(px, y(curve.upper[i]));
    else pen.moveTo(px, y(curve.upper[i]));
    open = true;
  }
  for (let i = to - 1; i >= from; i--) {
    if (curve.lower[i] === curve.lower[i]) pen.lineTo(x(days[curve.rows[i]]), y(curve.lower[i]));
  }
  pen.globalAlpha = 0.15;
  pen.fillStyle = curve.color;
  pen.fill();
  pen.globalAlpha = 1;
}

// The boundary: the test part lightly shaded, a dashed line, the words for training and test at its sides.
function markBoundary(pen, x, box, ink, small, words) {
  const edge = Math.min(box.right, Math.max(box.left, x));
  pen.fillStyle = ink;
  pen.globalAlpha = 0.05;
  pen.fillRect(edge, box.top, box.right - edge, box.bottom - box.top);
  pen.globalAlpha = 1;
  pen.font = small;
  pen.textBaseline = "top";
  pen.globalAlpha = 0.75;
  const inside = x > box.left && x < box.right;
  if (inside) {
    pen.beginPath();
    pen.moveTo(x, box.top);
    pen.lineTo(x, box.bottom);
    pen.setLineDash([5, 4]);
    pen.lineWidth = 1.4;
    pen.strokeStyle = ink;
    pen.stroke();
    pen.setLineDash([]);
  }
  if (inside && x - box.left > 34) {
    pen.textAlign = "right";
    pen.fillText(words.train, x - 6, box.top + 4);
  }
  if (box.right - x > 30) {
    pen.textAlign = "left";
    pen.fillText(words.test, Math.max(x, box.left) + 6, box.top + 4);
  } else if (!inside) {
    pen.textAlign = "left";
    pen.fillText(words.train, box.left + 6, box.top + 4);
  }
  pen.globalAlpha = 1;
}

// Move labels apart so that none lies on another: [{y, ...}] in, the same with new y.
function spreadLabels(labels, gap, top, bottom) {
  labels.sort((a, b) => a.y - b.y);
  for (let i = 0; i < labels.length; i++) {
    labels[i].y = Math.max(labels[i].y, i ? labels[i - 1].y + gap : top);
  }
  for (let i = labels.length - 1, most = bottom; i >= 0; i--, most -= gap) {
    labels[i].y = Math.min(labels[i].y, most);
    most = labels[i].y;
  }
  return labels;
}

// The losses of the epochs so far, on a logarithmic scale, over the width that all epochs will take.
function drawLosses(canvas, curves, total) {
  const { pen, width, height } = openCanvas(canvas);
  const all = curves.flatMap((curve) => [...curve.losses]).filter((loss) => loss > 0);
  if (!all.length) return;
  const low = Math.log(Math.min(...all));
  const high = Math.max(Math.log(Math.max(...all)), low + 1e-6);
  const x = (epoch) => 3 + ((width - 6) * epoch) / Math.max(1, total - 1);
  const y = (loss) => 3 + (height - 6) * (1 - (Math.log(loss) - low) / (high - low));
  for (const curve of curves) {
    if (!curve.losses.length) continue;
    pen.beginPath();
    curve.losses.forEach((loss, epoch) => pen.lineTo(x(epoch), y(loss)));
    pen.lineWidth = 1.4;
    pen.strokeStyle = curve.color;
    pen.stroke();
    const last = curve.losses.length - 1;
    pen.beginPath();
    pen.arc(x(curve.marked ?? last), y(curve.losses[curve.marked ?? last]), 2.2, 0, 7);
    pen.fillStyle = curve.color;
    pen.fill();
  }
}
