// The live chart: curves over the actual close, the whole series as a strip, and what was learned so far.
// The page sends one block of bytes for the resting picture; while a thumb moves, this asks the server for one frame at a time.

const views = (window.rnnappViews ??= {}); // what each chart shows survives updates and a change of page
const FRAME_LOST = 6000; // milliseconds after which an unanswered request counts as lost
const EASE = 170; // milliseconds in which the price axis goes to its resting range
const TOUCH_REACH = 22; // pixels around an edge of the strip's window that a finger takes hold of

// ---- what the server sends -------------------------------------------------------------------------------------------

// Four bytes of length, a JSON header, then float32 and int32 arrays that the header names.
function decode(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const body = bytes.slice(4 + size).buffer; // a copy, so that arrays begin at whole words
  const arrays = {};
  for (const [name, kind, at, length] of header.arrays) {
    arrays[name] = kind === "i4" ? new Int32Array(body, at, length) : new Float32Array(body, at, length);
  }
  return { header, arrays };
}

// A short mark of the curves drawn: another mark, another curve.
function markOf(curves) {
  let mark = 2166136261;
  for (const curve of curves) {
    const words = new Uint32Array(curve.values.buffer, curve.values.byteOffset, curve.values.length);
    for (let i = 0; i < words.length; i++) mark = Math.imul(mark ^ words[i], 16777619) >>> 0;
  }
  return mark.toString(36);
}

// ---- one chart -------------------------------------------------------------------------------------------------------

class LiveChart {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`.${name}`);
    this.plot = this.part("plot").querySelector("canvas");
    this.strip = this.part("strip").querySelector("canvas");
    this.loss = this.part("loss");
    this.tip = this.part("tip");
    this.hidden = new Set();
    this.base = null;
    this.curves = [];
    this.domain = null; // [low, high] of the price axis as drawn
    this.request = { seq: 0, open: 0, sent: 0, want: null };
    this.frames = 0;
    this.past = null; // curves of past epochs, once requested
    this.epochAt = null; // the past epoch that is shown, null at the end
    this.playing = 0;
    this.bindPlot();
    this.bindStrip();
    this.bindScrub();
    this.part("save").addEventListener("click", () => this.savePicture());
    this.watcher = new ResizeObserver(() => this.drawSoon());
    this.watcher.observe(root);
  }

  close() {
    document.documentElement.classList.remove("rnnapp-moving");
    this.watcher.disconnect();
    this.stopPlaying();
    if (thumbs.listener?.chart === this) thumbs.listener = null;
  }

  // ---- frames --------------------------------------------------------------------------------------------------------

  // The resting picture, from the page.
  rest(bytes) {
    this.resting = bytes;
    this.request.open = 0; // an answer under way is for an earlier place of the thumb
    this.take(bytes);
    this.pump();
    this.reportDrawn();
  }

  // The server holds the rest of its first page back until the chart is painted.
  reportDrawn() {
    const { token, route } = this.header;
    if (window.rnnappReported || !token) return;
    window.rnnappReported = true;
    const report = () => fetch(route, { method: "POST", body: JSON.stringify({ token, drawn: true }) }).catch(() => {});
    requestAnimationFrame(() => setTimeout(report, 0));
  }

  take(bytes) {
    this.read(bytes);
    this.show();
  }

  read(bytes) {
    const { header, arrays } = decode(bytes);
    this.header = header;
    if (arrays.days) this.base = { token: header.base, days: arrays.days, actual: arrays.actual, anchor: arrays.anchor };
    this.curves = header.curves.map((curve, i) => ({
      ...curve,
      rows: arrays[curve.rows],
      values: arrays[`values${i}`],
      lower: arrays[`lower${i}`],
      upper: arrays[`upper${i}`],
      losses: arrays[`losses${i}`] ?? [],
    }));
  }

  show() {
    const { header } = this;
    if (header.resets) this.hidden.clear();
    for (const curve of this.curves) if (curve.waits && !this.seen?.has(curve.name)) this.hidden.add(curve.name);
    this.seen = new Set(this.curves.map((curve) => curve.name));
    this.nameParts();
    this.showScrub();
    this.view = views[header.key] ??= { range: header.opens };
    this.showWords();
    this.showLegend();
    this.draw(header.seq > 0);
    this.frames += 1;
    this.describe();
    this.showMoving(header.seq > 0);
    this.listen();
  }

  // What tests and assistive technology read: the settings shown, and how far their training is.
  describe() {
    const { header, root } = this;
    root.dataset.testid = header.testid;
    root.dataset.settings = header.settings;
    root.dataset.epochs = String(header.epochs);
    root.dataset.done = String(header.done);
    root.dataset.curve = markOf(this.curves);
    root.dataset.frames = String(this.frames);
    const seen = this.span();
    root.dataset.view = `${isoDay(seen[0])}/${isoDay(seen[1])}`;
    if (header.done || !this.plot.hasAttribute("aria-label")) this.plot.setAttribute("aria-label", header.alt);
    if (this.epochAt !== null) this.describeEpoch();
  }

  // The words of the page's language on buttons, and for those who cannot see them.
  nameParts() {
    const { text, language } = this.header;
    if (this.root.lang === language) return;
    this.root.lang = language;
    this.part("ranges").setAttribute("aria-label", text.range);
    this.part("strip").title = text.strip;
    this.part("play").setAttribute("aria-label", text.play);
    this.part("scrub").querySelector("input").setAttribute("aria-label", text.epoch);
    this.part("save").title = text.saveHelp;
    this.part("save").textContent = text.save;
    this.part("entries").dataset.made = "";
    this.part("entries").dataset.nets = "";
  }

  showWords() {
    const { header } = this;
    this.part("words").textContent = header.words;
    this.part("dot").classList.toggle("empty", !header.words);
    const learned = this.curves.filter((curve) => curve.losses.length);
    this.loss.hidden = learned.length === 0;
    if (learned.length) drawLosses(this.loss, learned, header.total);
  }

  // ---- the thumb -----------------------------------------------------------------------------------------------------

  listen() {
    if (!this.header.sliders.length) return;
    followThumbs({
      chart: this,
      names: () => this.header.sliders,
      moved: (place) => {
        if (!this.root.isConnected) return this.close();
        this.request.want = place;
        this.root.dataset.done = "false";
        this.pump();
      },
      released: (unchanged) => {
        // Streamlit runs the page for a new value. For the old one it does not: the resting picture is at hand.
        this.request.want = null;
        if (unchanged) this.rest(this.resting);
      },
    });
  }

  // One request at a time; the newest place of the thumb is sent when the last answer is there, so that the server works
  // on the next frame while this one is drawn. A thumb that rests, still held, lets its training go on to the end.
  async pump() {
    const { request, header } = this;
    if (request.open && performance.now() - request.sent < FRAME_LOST) return;
    request.want = thumbPlace() ?? request.want; // the newest there is
    const { want } = request;
    if (!want || !header.token) return;
    const seq = (request.seq += 1);
    request.open = seq;
    request.sent = performance.now();
    const place = { token: header.token, seq, ...want, base: this.base.token };
    try {
      const answer = await fetch(header.route, { method: "POST", body: JSON.stringify(place) });
      const bytes = answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
      if (request.open !== seq) return;
      request.open = 0;
      if (!bytes || !this.root.isConnected) return;
      this.read(bytes);
    } catch {
      request.open = 0; // no server: the page redraws on release
      return;
    }
    const now = thumbPlace() ?? request.want;
    const still = now && now.name === want.name && now.value === want.value;
    if (now && (!still || (!this.header.done && isHeld()))) this.pump();
    this.show();
  }

  // While a thumb moves, the page's headline gives way to the frame's, and what is not of these settings is dimmed.
  showMoving(moving) {
    const line = this.part("headline");
    if (moving !== this.moving) {
      this.moving = moving;
      document.documentElement.classList.toggle("rnnapp-moving", moving);
      if (moving) this.placeHeadline(line);
    }
    const text = moving ? this.header.headline : "";
    line.hidden = !text;
    if (line.textContent !== text) line.textContent = text;
  }

  // Exactly over the page's own headline, in its type.
  placeHeadline(line) {
    const model = document.querySelector(`.st-key-${this.header.key}_headline h3`);
    if (!model) return;
    const style = getComputedStyle(model);
    for (const word of ["fontFamily", "fontSize", "fontWeight", "lineHeight", "letterSpacing", "padding", "margin"]) {
      line.style[word] = style[word];
    }
    line.style.top = `${model.getBoundingClientRect().top - this.root.getBoundingClientRect().top}px`;
    line.style.minHeight = `${model.getBoundingClientRect().height}px`;
  }

  // ---- what is in view -----------------------------------------------------------------------------------------------

  edges() {
    const { days } = this.base;
    return [days[0], days[days.length - 1]];
  }

  // First and last day of the view; a named range follows the data.
  span() {
    const [first, last] = this.edges();
    const { view, header } = this;
    let from = first;
    let to = last;
    if (view.days) [from, to] = view.days;
    else {
      const range = header.ranges.find((one) => one.name === view.range);
      if (range) [from, to] = range.span;
    }
    from = Math.max(first, Math.min(from, last - 4));
    to = Math.min(last, Math.max(to, from + 4));
    return [from, to];
  }

  look(view) {
    Object.assign(this.view, { days: null, range: null }, view);
    this.domain = null;
    this.draw();
    this.describe();
  }

  lookAt(from, to) {
    const [first, last] = this.edges();
    const width = Math.min(last - first, Math.max(6, to - from));
    const start = Math.min(Math.max(first, from), last - width);
    this.look({ days: [start, start + width] });
  }

  visible() {
    return this.curves.filter((curve) => !this.hidden.has(curve.name));
  }

  // ---- drawing -------------------------------------------------------------------------------------------------------

  drawSoon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (this.base && this.header && this.root.isConnected) {
        this.showWords();
        this.draw();
      }
    });
  }

  colors() {
    const style = getComputedStyle(this.root);
    return {
      ink: style.getPropertyValue("--st-text-color").trim() || "#1F2937",
      paper: style.getPropertyValue("--st-background-color").trim() || "#FFFFFF",
      font: style.fontFamily || "sans-serif",
      accent: style.getPropertyValue("--st-primary-color").trim() || "#0F6CBD",
    };
  }

  // All curves, the actual close and persistence among them, in the order in which they are drawn.
  layers() {
    const { base, header } = this;
    base.all ??= Int32Array.from(base.days, (_, i) => i);
    const ink = this.colors().ink;
    const actual = { name: "actual", label: header.text.actual, color: ink, dash: "solid", width: 1.6, rows: base.all, values: base.actual };
    const rule = { name: "persistence", label: header.text.persistence, color: header.grey, dash: "dash", width: 1.2, rows: base.all, values: base.anchor };
    const curves = this.scrubbed() ?? this.curves;
    const rest = [rule, ...curves.filter((one) => one.kind === "baseline"), actual, ...curves.filter((one) => one.kind === "net")];
    return rest.filter((one) => !this.hidden.has(one.name));
  }

  window(curve, from, to) {
    const { days } = this.base;
    const first = lowerBound(days, from);
    const last = lowerBound(days, to + 0.5);
    return [Math.max(0, lowerBound(curve.rows, first) - 1), Math.min(curve.rows.length, lowerBound(curve.rows, last) + 1)];
  }

  // The price axis: the actual close in view with room around it; a curve that is far off, as in a first epoch, is cut.
  wantedDomain(layers, from, to) {
    const extent = (curve, band) => {
      const [a, b] = this.window(curve, from, to);
      let low = Infinity;
      let high = -Infinity;
      for (const values of band ? [curve.lower, curve.upper] : [curve.values]) {
        for (let i = a; i < b; i++) {
          if (values[i] < low) low = values[i];
          if (values[i] > high) high = values[i];
        }
      }
      return [low, high];
    };
    const { base } = this;
    const [low, high] = extent({ rows: base.all, values: base.actual });
    const room = Math.max(high - low, 1e-6 * Math.abs(high), 1e-9);
    let wanted = [low, high];
    for (const curve of layers) {
      for (const [a, b] of [extent(curve), ...(curve.lower ? [extent(curve, true)] : [])]) {
        wanted = [Math.min(wanted[0], Math.max(a, low - room)), Math.max(wanted[1], Math.min(b, high + room))];
      }
    }
    const pad = 0.06 * (wanted[1] - wanted[0] || 1);
    return [wanted[0] - pad, wanted[1] + pad];
  }

  // While it moves the axis only grows; at rest it eases to its range.
  axis(wanted, moving) {
    const now = this.domain;
    if (!now || !wanted.every(Number.isFinite)) return (this.domain = wanted);
    if (moving) return (this.domain = [Math.min(now[0], wanted[0]), Math.max(now[1], wanted[1])]);
    const away = Math.abs(now[0] - wanted[0]) + Math.abs(now[1] - wanted[1]);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (still || away < 1e-3 * (wanted[1] - wanted[0])) return (this.domain = wanted);
    this.easing ??= { from: now, began: performance.now() };
    const share = Math.min(1, (performance.now() - this.easing.began) / EASE);
    const eased = 1 - (1 - share) ** 3;
    this.domain = wanted.map((value, i) => this.easing.from[i] + (value - this.easing.from[i]) * eased);
    if (share < 1) this.drawSoon();
    else this.easing = null;
    return this.domain;
  }

  draw(moving = false) {
    if (moving) this.easing = null;
    const { pen, width, height } = openCanvas(this.plot);
    if (width < 40) return;
    const { ink, font } = this.colors();
    const [from, to] = this.span();
    const layers = this.layers();
    const [low, high] = this.axis(this.wantedDomain(layers, from, to), moving);
    const small = `12px ${font}`;
    pen.font = small;
    const ends = width >= 620 ? layers.filter((curve) => curve.kind || curve.name === "actual" || curve.name === "persistence") : [];
    const margin = Math.min(150, Math.max(0, ...ends.map((curve) => pen.measureText(curve.label).width))) + (ends.length ? 14 : 10);
    const ticks = priceTicks(low, high, (height - 60) / 56);
    const step = ticks.length > 1 ? ticks[1] - ticks[0] : high - low;
    const prices = ticks.map((value) => ({ value, text: writeTick(value, step) }));
    const left = Math.max(34, ...prices.map(({ text }) => pen.measureText(text).width)) + 10;
    const box = { left, right: width - margin, top: 22, bottom: height - 26 };
    this.box = box;
    const x = (day) => box.left + ((day - from) / (to - from)) * (box.right - box.left);
    const y = (price) => box.bottom - ((price - low) / (high - low)) * (box.bottom - box.top);
    this.scale = { x, y, from, to, day: (px) => from + ((px - box.left) / (box.right - box.left)) * (to - from) };
    this.drawAxes(pen, box, prices, x, y, ink, small, width);
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    pen.clip();
    markBoundary(pen, x(this.header.boundary), box, ink, small, this.header.text);
    for (const curve of layers) {
      if (curve.lower) fillBand(pen, this.base.days, curve, ...this.window(curve, from, to), x, y);
    }
    for (const curve of layers) this.drawCurve(pen, curve, from, to, x, y);
    pen.restore();
    this.drawEnds(pen, ends, box, from, to, y, small, width);
    this.drawStrip(layers);
    this.showRanges();
  }

  // A net is drawn lighter where it was trained than where it is tested.
  drawCurve(pen, curve, from, to, x, y) {
    const { days } = this.base;
    const [a, b] = this.window(curve, from, to);
    if (curve.kind !== "net") return strokeCurve(pen, days, curve, a, b, x, y);
    const first = lowerBound(curve.rows, lowerBound(days, this.header.boundary));
    pen.globalAlpha = 0.65;
    if (a < first) strokeCurve(pen, days, curve, a, Math.min(b, first + 1), x, y);
    pen.globalAlpha = 1;
    if (b > first) strokeCurve(pen, days, curve, Math.max(a, first), b, x, y);
  }

  drawAxes(pen, box, prices, x, y, ink, small, width) {
    pen.font = small;
    pen.fillStyle = ink;
    pen.strokeStyle = ink;
    pen.lineWidth = 1;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const { value, text } of prices) {
      const py = Math.round(y(value)) + 0.5;
      if (py < box.top || py > box.bottom) continue;
      pen.globalAlpha = 0.1;
      pen.beginPath();
      pen.moveTo(box.left, py);
      pen.lineTo(box.right, py);
      pen.stroke();
      pen.globalAlpha = 0.72;
      pen.fillText(text, box.left - 8, py);
    }
    pen.textAlign = "left";
    pen.textBaseline = "top";
    pen.fillText(this.header.axis, 2, 2);
    pen.textAlign = "center";
    let free = -Infinity;
    for (const tick of dateTicks(this.span()[0], this.span()[1], (box.right - box.left) / 92, this.header.language)) {
      const px = x(tick.day);
      const half = pen.measureText(tick.text).width / 2;
      if (px - half < Math.max(free, box.left - 12) || px + half > width) continue;
      free = px + half + 10;
      pen.globalAlpha = 0.72;
      pen.fillText(tick.text, px, box.bottom + 8);
      pen.globalAlpha = 0.35;
      pen.beginPath();
      pen.moveTo(Math.round(px) + 0.5, box.bottom);
      pen.lineTo(Math.round(px) + 0.5, box.bottom + 4);
      pen.stroke();
    }
    pen.globalAlpha = 0.35;
    pen.beginPath();
    pen.moveTo(box.left, box.bottom + 0.5);
    pen.lineTo(box.right, box.bottom + 0.5);
    pen.stroke();
    pen.globalAlpha = 1;
  }

  drawEnds(pen, ends, box, from, to, y, small, width) {
    if (!ends.length) return;
    const { days } = this.base;
    const labels = [];
    for (const curve of ends) {
      const [a, b] = this.window(curve, from, to);
      let i = b - 1;
      while (i >= a && (curve.values[i] !== curve.values[i] || days[curve.rows[i]] > to)) i--;
      if (i < a) continue;
      labels.push({ y: Math.min(box.bottom, Math.max(box.top, y(curve.values[i]))), curve });
    }
    pen.font = small;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (const label of spreadLabels(labels, 15, box.top, box.bottom)) {
      pen.fillStyle = label.curve.color;
      pen.fillText(label.curve.label, box.right + 7, label.y, width - box.right - 8);
    }
  }

  // ---- the strip -----------------------------------------------------------------------------------------------------

  drawStrip(layers) {
    const { pen, width, height } = openCanvas(this.strip);
    if (width < 40) return;
    const { ink, paper, font, accent } = this.colors();
    const [first, last] = this.edges();
    const box = { left: this.box.left, right: this.box.right, top: 3, bottom: height - 16 };
    const x = (day) => box.left + ((day - first) / (last - first)) * (box.right - box.left);
    const { base } = this;
    let low = Infinity;
    let high = -Infinity;
    for (const price of base.actual) {
      if (price < low) low = price;
      if (price > high) high = price;
    }
    const y = (price) => box.bottom - 2 - (Math.min(Math.max((price - low) / (high - low || 1), 0), 1)) * (box.bottom - box.top - 4);
    this.stripScale = { x, day: (px) => first + ((px - box.left) / (box.right - box.left)) * (last - first), box };
    markBoundary(pen, x(this.header.boundary), box, ink, `11px ${font}`, this.header.text);
    for (const curve of layers) {
      if (curve.kind === "baseline" || curve.name === "persistence") continue;
      pen.globalAlpha = curve.kind === "net" ? 0.8 : 0.55;
      strokeCurve(pen, base.days, { ...curve, dash: "solid" }, 0, curve.rows.length, x, y, 1);
    }
    pen.globalAlpha = 1;
    this.drawStripWindow(pen, box, x, ink, paper, accent);
    this.drawStripYears(pen, box, x, ink, font);
  }

  drawStripWindow(pen, box, x, ink, paper, accent) {
    const [from, to] = this.dragging ?? this.span();
    const a = x(from);
    const b = Math.max(a + 3, x(to));
    pen.fillStyle = paper;
    pen.globalAlpha = 0.62;
    pen.fillRect(box.left, box.top, a - box.left, box.bottom - box.top);
    pen.fillRect(b, box.top, box.right - b, box.bottom - box.top);
    pen.globalAlpha = 0.1;
    pen.fillStyle = accent;
    pen.fillRect(a, box.top, b - a, box.bottom - box.top);
    pen.globalAlpha = 1;
    pen.strokeStyle = accent;
    pen.lineWidth = 1.2;
    pen.strokeRect(a, box.top + 0.5, b - a, box.bottom - box.top - 1);
    pen.fillStyle = accent;
    const middle = (box.top + box.bottom) / 2;
    for (const edge of [a, b]) {
      pen.beginPath();
      pen.roundRect(edge - 3, middle - 9, 6, 18, 3);
      pen.fill();
    }
    pen.globalAlpha = 0.18;
    pen.strokeStyle = ink;
    pen.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left - 1, box.bottom - box.top - 1);
    pen.globalAlpha = 1;
  }

  drawStripYears(pen, box, x, ink, font) {
    pen.font = `11px ${font}`;
    pen.fillStyle = ink;
    pen.globalAlpha = 0.65;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const [first, last] = this.edges();
    let free = -Infinity;
    for (const tick of dateTicks(first, last, (box.right - box.left) / 70, this.header.language)) {
      const half = pen.measureText(tick.text).width / 2;
      const px = x(tick.day);
      if (px - half < Math.max(free, box.left - 10) || px + half > box.right + 10) continue;
      free = px + half + 8;
      pen.fillText(tick.text, px, box.bottom + 4);
    }
    pen.globalAlpha = 1;
  }

  bindStrip() {
    const canvas = this.strip;
    let grip = null;
    const at = (event) => this.stripScale.day(event.clientX - canvas.getBoundingClientRect().left);
    const holdOf = (event) => {
      const px = event.clientX - canvas.getBoundingClientRect().left;
      const [from, to] = this.span().map(this.stripScale.x);
      const reach = event.pointerType === "touch" ? TOUCH_REACH : 7;
      const inside = px > from && px < to;
      const near = Math.min(Math.abs(px - from), Math.abs(px - to));
      if (inside && to - from > 3 * reach ? near > reach : inside && near > 4) return "move";
      if (near <= reach) return Math.abs(px - from) < Math.abs(px - to) ? "from" : "to";
      return "new";
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.stripScale || event.button > 0) return;
      canvas.setPointerCapture(event.pointerId);
      grip = { hold: holdOf(event), day: at(event), span: this.span(), x: event.clientX, moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.stripScale) return;
      if (!grip) {
        canvas.style.cursor = { move: "grab", from: "ew-resize", to: "ew-resize", new: "crosshair" }[holdOf(event)];
        return;
      }
      if (Math.abs(event.clientX - grip.x) > 3) grip.moved = true;
      if (!grip.moved) return;
      const [from, to] = grip.span;
      const day = at(event);
      if (grip.hold === "move") this.lookAt(from + day - grip.day, to + day - grip.day);
      else if (grip.hold === "from") this.lookAt(Math.min(day, to - 6), to);
      else if (grip.hold === "to") this.lookAt(from, Math.max(day, from + 6));
      else this.lookAt(Math.min(grip.day, day), Math.max(grip.day, day));
    });
    const drop = (event) => {
      // A click outside the window brings the window there.
      if (grip && !grip.moved && grip.hold === "new" && event.type === "pointerup") {
        const half = (grip.span[1] - grip.span[0]) / 2;
        this.lookAt(grip.day - half, grip.day + half);
      }
      grip = null;
    };
    canvas.addEventListener("pointerup", drop);
    canvas.addEventListener("pointercancel", drop);
    canvas.addEventListener("dblclick", () => this.look({ range: "all" }));
    this.bindDoubleTap(canvas);
  }

  bindDoubleTap(canvas) {
    let last = { time: 0, x: 0 };
    canvas.addEventListener("pointerup", (event) => {
      if (event.pointerType !== "touch") return;
      if (event.timeStamp - last.time < 320 && Math.abs(event.clientX - last.x) < 24) this.look({ range: "all" });
      last = { time: event.timeStamp, x: event.clientX };
    });
  }

  // ---- hover, zoom, keys ---------------------------------------------------------------------------------------------

  bindPlot() {
    const canvas = this.plot;
    let began = null;
    const fingers = new Map();
    const place = (event) => {
      const edge = canvas.getBoundingClientRect();
      return [event.clientX - edge.left, event.clientY - edge.top];
    };
    canvas.addEventListener("pointermove", (event) => {
      if (!this.scale) return;
      if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event.clientX);
      if (fingers.size === 2) return this.pinch([...fingers.values()]);
      const [px] = place(event);
      if (began && event.pointerType !== "touch" && Math.abs(px - began.px) > 4) {
        if (began.pan) this.lookAt(began.span[0] + began.day - this.dayAt(px, began), began.span[1] + began.day - this.dayAt(px, began));
        else this.showSelection(began.px, px);
        return;
      }
      this.hover(...place(event));
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.scale || event.button > 0) return;
      if (event.pointerType === "touch") fingers.set(event.pointerId, event.clientX);
      else canvas.setPointerCapture(event.pointerId);
      const [px] = place(event);
      began = { px, pan: event.shiftKey, day: this.scale.day(px), span: this.span(), box: { ...this.box } };
      if (fingers.size === 2) this.pinched = { fingers: [...fingers.values()], span: this.span() };
    });
    const drop = (event) => {
      fingers.delete(event.pointerId);
      const [px] = place(event);
      if (began && event.type === "pointerup" && event.pointerType !== "touch" && !began.pan && Math.abs(px - began.px) > 8) {
        const [a, b] = [began.px, px].sort((one, two) => one - two).map(this.scale.day);
        this.lookAt(a, b);
      }
      began = null;
    };
    canvas.addEventListener("pointerup", drop);
    canvas.addEventListener("pointercancel", drop);
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") this.hover(null);
    });
    canvas.addEventListener("dblclick", () => this.look({ range: "all" }));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(2 ** (event.deltaY / 300), this.scale.day(place(event)[0]));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  dayAt(px, began) {
    return began.span[0] + ((px - began.box.left) / (began.box.right - began.box.left)) * (began.span[1] - began.span[0]);
  }

  zoom(factor, center) {
    const [from, to] = this.span();
    this.lookAt(center - (center - from) * factor, center + (to - center) * factor);
  }

  pinch(now) {
    if (!this.pinched) return;
    const then = this.pinched.fingers;
    const factor = Math.abs(then[0] - then[1]) / Math.max(20, Math.abs(now[0] - now[1]));
    const [from, to] = this.pinched.span;
    const center = (from + to) / 2;
    this.lookAt(center - (center - from) * factor, center + (to - center) * factor);
  }

  onKey(event) {
    const [from, to] = this.span();
    const step = (to - from) / 8;
    const moves = {
      ArrowLeft: () => this.lookAt(from - step, to - step),
      ArrowRight: () => this.lookAt(from + step, to + step),
      "+": () => this.zoom(0.7, (from + to) / 2),
      "-": () => this.zoom(1 / 0.7, (from + to) / 2),
      Home: () => this.look({ range: "all" }),
      Escape: () => this.look({ range: this.header.opens }),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  showSelection(a, b) {
    this.tip.hidden = true;
    this.draw();
    const pen = this.plot.getContext("2d");
    pen.globalAlpha = 0.16;
    pen.fillStyle = this.colors().accent;
    pen.fillRect(Math.min(a, b), this.box.top, Math.abs(b - a), this.box.bottom - this.box.top);
    pen.globalAlpha = 1;
  }

  // One box for all curves at the day under the pointer.
  hover(px, py) {
    const { box, base } = this;
    const was = this.hovered;
    if (px === null || px < box.left - 4 || px > box.right + 4) {
      this.hovered = null;
      this.tip.hidden = true;
      if (was !== null && was !== undefined) this.draw();
      return;
    }
    const day = this.scale.day(px);
    let row = lowerBound(base.days, day);
    if (row > 0 && (row >= base.days.length || day - base.days[row - 1] < base.days[row] - day)) row--;
    this.hovered = row;
    this.draw();
    const pen = this.plot.getContext("2d");
    const { x, y } = this.scale;
    const at = x(base.days[row]);
    pen.strokeStyle = this.colors().ink;
    pen.globalAlpha = 0.4;
    pen.beginPath();
    pen.moveTo(at, box.top);
    pen.lineTo(at, box.bottom);
    pen.stroke();
    pen.globalAlpha = 1;
    const lines = [];
    for (const curve of this.layers()) {
      const value = this.valueAt(curve, row);
      if (!Number.isFinite(value)) continue;
      lines.push({ curve, value });
      pen.beginPath();
      pen.arc(at, Math.min(box.bottom, Math.max(box.top, y(value))), 3, 0, 7);
      pen.fillStyle = curve.color;
      pen.fill();
    }
    this.showTip(row, lines, at, py);
  }

  valueAt(curve, row) {
    const place = lowerBound(curve.rows, row);
    return curve.rows[place] === row ? curve.values[place] : NaN;
  }

  showTip(row, lines, at, py) {
    const { tip } = this;
    const rank = { actual: -1, persistence: 99 };
    lines.sort((a, b) => (rank[a.curve.name] ?? 0) - (rank[b.curve.name] ?? 0));
    const head = document.createElement("b");
    head.textContent = writeDay(this.base.days[row], this.header.language);
    tip.replaceChildren(head, ...lines.map(({ curve, value }) => {
      const line = document.createElement("div");
      const mark = document.createElement("i");
      mark.style.borderTopColor = curve.color;
      mark.style.borderTopStyle = curve.dash === "solid" ? "solid" : "dashed";
      const name = document.createElement("span");
      name.textContent = curve.label;
      const number = document.createElement("span");
      number.textContent = writePrice(value);
      line.append(mark, name, number);
      return line;
    }));
    tip.hidden = false;
    const room = this.plot.clientWidth;
    const left = at + tip.offsetWidth + 18 < room ? at + 12 : at - tip.offsetWidth - 12;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(4, Math.min(py - tip.offsetHeight / 2, this.plot.clientHeight - tip.offsetHeight - 6))}px`;
  }

  // ---- buttons -------------------------------------------------------------------------------------------------------

  showRanges() {
    const bar = this.part("ranges");
    const { ranges } = this.header;
    const made = ranges.map((range) => `${range.name}:${range.label}`).join();
    if (bar.dataset.made !== made) {
      bar.dataset.made = made;
      bar.replaceChildren(...ranges.map((range) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = range.label;
        button.title = range.title;
        button.addEventListener("click", () => this.look({ range: range.name }));
        return button;
      }));
    }
    ranges.forEach((range, i) => {
      const pressed = String(!this.view.days && this.view.range === range.name);
      if (bar.children[i].getAttribute("aria-pressed") !== pressed) bar.children[i].setAttribute("aria-pressed", pressed);
    });
  }

  showLegend() {
    const { ink } = this.colors();
    const entries = [
      { name: "actual", label: this.header.text.actual, color: ink, dash: "solid" },
      ...this.curves.filter((curve) => curve.kind === "net"),
      { name: "persistence", label: this.header.text.persistence, color: this.header.grey, dash: "dash" },
      ...this.curves.filter((curve) => curve.kind === "baseline"),
    ];
    const bar = this.part("entries");
    // While a thumb moves the baselines are not computed; their entries stay, so that nothing jumps.
    const nets = this.curves.filter((curve) => curve.kind === "net").map((curve) => curve.name).sort().join();
    if (this.header.seq > 0 && bar.dataset.nets === nets && this.legendAt === this.hidden.size) return;
    bar.dataset.nets = nets;
    this.legendAt = this.hidden.size;
    const made = entries.map((one) => `${one.name}${one.label}${one.color}${one.dash}${this.hidden.has(one.name)}`).join();
    if (bar.dataset.made === made) return;
    bar.dataset.made = made;
    bar.replaceChildren(...entries.map((entry) => this.legendButton(entry)));
  }

  legendButton({ name, label: words, color, dash }) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!this.hidden.has(name)));
    button.title = this.header.text.toggle;
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const look = { x1: 0, x2: 24, y1: 5, y2: 5, stroke: color, "stroke-width": 2, "stroke-dasharray": (DASHES[dash] ?? []).join(" ") };
    for (const [word, value] of Object.entries(look)) line.setAttribute(word, value);
    picture.append(line);
    const label = document.createElement("span");
    label.textContent = words;
    button.append(picture, label);
    button.addEventListener("click", () => {
      if (!this.hidden.delete(name)) this.hidden.add(name);
      this.showLegend();
      this.draw();
    });
    return button;
  }

  savePicture() {
    const copy = document.createElement("canvas");
    const { plot, strip } = this;
    copy.width = plot.width;
    copy.height = plot.height + strip.height;
    const pen = copy.getContext("2d");
    pen.fillStyle = this.colors().paper;
    pen.fillRect(0, 0, copy.width, copy.height);
    pen.drawImage(plot, 0, 0);
    pen.drawImage(strip, 0, plot.height);
    const link = document.createElement("a");
    link.download = `${this.header.key}.png`;
    link.href = copy.toDataURL("image/png");
    link.click();
  }

  // ---- past epochs ---------------------------------------------------------------------------------------------------

  // The curve as it was after the epoch that the slider stands at, null at the end of the training.
  scrubbed() {
    const { past } = this;
    if (!past || this.epochAt === null) return null;
    const k = past.epochs.indexOf(this.epochAt);
    const net = this.curves.find((curve) => curve.kind === "net");
    if (k < 0 || !net) return null;
    const length = past.rows.length;
    const values = past.values.subarray(k * length, (k + 1) * length);
    return this.curves.map((curve) => (curve === net ? { ...curve, rows: past.rows, values, lower: null, upper: null } : curve));
  }

  bindScrub() {
    const bar = this.part("scrub");
    const slider = bar.querySelector("input");
    slider.addEventListener("input", () => {
      this.stopPlaying();
      this.goTo(Number(slider.value));
    });
    this.part("play").addEventListener("click", () => (this.playing ? this.stopPlaying() : this.play()));
    for (const near of ["pointerenter", "focusin"]) bar.addEventListener(near, () => this.fetchPast());
  }

  // The slider has a step for each epoch at hand; at its end it follows the training.
  showScrub() {
    const { header } = this;
    const bar = this.part("scrub");
    bar.hidden = header.past.length < 2 || header.seq > 0;
    if (bar.hidden) return this.stopPlaying();
    const of = `${header.base} ${header.settings}`;
    const other = this.past !== null && header.done && this.past.of !== this.pastMark();
    if (this.scrubOf !== of || other) {
      this.scrubOf = of;
      this.stopPlaying();
      this.epochAt = null;
      this.past = null;
    }
    if (this.epochAt !== null && !header.past.includes(this.epochAt)) this.epochAt = null;
    const slider = bar.querySelector("input");
    slider.max = String(header.past.length - 1);
    slider.value = String(this.epochAt === null ? header.past.length - 1 : header.past.indexOf(this.epochAt));
    this.markEpoch();
  }

  // What the past epochs belong to: another mark, other curves.
  pastMark() {
    return `${this.header.settings} ${this.header.past.join()} ${markOf(this.curves)}`;
  }

  // The curves of the epochs at hand, from the server, once.
  async fetchPast() {
    const { header, scrubOf } = this;
    const of = this.pastMark();
    if (this.past?.of === of) return this.past;
    this.fetching ??= {};
    this.fetching[of] ??= (async () => {
      const place = { token: header.token, seq: 0, name: "past_epochs", value: 0, base: this.base.token };
      const answer = await fetch(header.route, { method: "POST", body: JSON.stringify(place) });
      const bytes = answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
      if (!bytes?.length) return null;
      const sent = decode(bytes);
      return { of, epochs: sent.header.epochs, words: sent.header.words, rows: sent.arrays.rows, values: sent.arrays.values };
    })().catch(() => null);
    const got = await this.fetching[of];
    delete this.fetching[of];
    if (got && this.scrubOf === scrubOf) this.past = got;
    return this.past;
  }

  // Show the curve as it was after the k-th epoch at hand.
  async goTo(k) {
    const { past: epochs } = this.header;
    const last = epochs.length - 1;
    this.epochAt = k >= last ? null : epochs[k];
    this.part("scrub").querySelector("input").value = String(k);
    await this.fetchPast();
    this.markEpoch();
    this.showWords();
    this.draw();
    this.describeEpoch();
  }

  describeEpoch() {
    const shown = this.epochAt ?? this.header.epochs;
    this.root.dataset.epochs = String(shown);
    this.root.dataset.curve = markOf(this.scrubbed() ?? this.curves);
  }

  // The marker on the loss curve and the words beside the slider.
  markEpoch() {
    const { header } = this;
    for (const curve of this.curves) curve.marked = this.epochAt === null ? undefined : this.epochAt - 1;
    const shown = this.epochAt ?? header.epochs;
    const k = this.past?.epochs.indexOf(shown) ?? -1;
    const words = k < 0 ? fillIn(header.text.epochOf, { epoch: shown, total: header.total }) : this.past.words[k];
    this.part("epoch").textContent = words;
    this.part("scrub").querySelector("input").setAttribute("aria-valuetext", words);
  }

  async play() {
    const last = this.header.past.length - 1;
    const start = this.epochAt === null ? 0 : this.header.past.indexOf(this.epochAt);
    this.part("play").textContent = "❚❚";
    this.playing = -1; // until the curves are there
    await this.fetchPast();
    if (!this.playing) return;
    let k = start;
    const step = () => {
      this.goTo(k);
      if (k >= last) this.stopPlaying();
      k += 1;
    };
    step();
    this.playing = setInterval(step, 180);
  }

  stopPlaying() {
    clearInterval(this.playing);
    this.playing = 0;
    this.part("play").textContent = "▶";
  }
}

// ---- where Streamlit comes in ----------------------------------------------------------------------------------------

export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".live-chart");
  if (!root || !data) return undefined;
  const chart = (root.liveChart ??= new LiveChart(root));
  chart.rest(data);
  return () => {
    if (!root.isConnected) chart.close();
  };
}
