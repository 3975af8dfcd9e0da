// Follow the thumb of Streamlit's own sliders. Streamlit sends a slider's value when it is released; here the value is
// read from the slider's <input type="range"> while the thumb moves: with a mouse, a finger, or a held arrow key.
// Where a later Streamlit has no such input, nothing is found, nothing is sent, and the page redraws on release.

const thumbs = (window.rnnappThumbs ??= { listener: null, held: null, bound: false });

// The slider around an element that belongs to one of the settings: {input, name}, or null.
function sliderAt(target, names) {
  const block = target instanceof Element ? target.closest('[data-testid="stSlider"]') : null;
  const input = block?.querySelector('input[type="range"]');
  const holder = block?.closest('[class*="st-key-"]');
  if (!input || !holder) return null;
  const keys = [...holder.classList].filter((word) => word.startsWith("st-key-"));
  const name = keys.map((word) => word.slice(7)).find((word) => names.includes(word));
  return name ? { input, name } : null;
}

function beginHold(slider) {
  thumbs.held = { ...slider, first: Number(slider.input.value), last: null };
}

// Report the held thumb's position if it is a new one.
function readThumb() {
  const held = thumbs.held;
  if (!held) return;
  const value = Number(held.input.value);
  if (!Number.isFinite(value) || value === (held.last ?? held.first)) return;
  held.last = value;
  thumbs.listener?.moved(thumbPlace());
}

// Where the held thumb is, {name, value}; null where none is held or it has not moved.
function thumbPlace() {
  const { held } = thumbs;
  if (!held || held.last === null) return null;
  return { name: held.name, value: Number(held.input.value) };
}

function endHold() {
  const held = thumbs.held;
  if (!held) return;
  readThumb();
  thumbs.held = null;
  if (held.last !== null) thumbs.listener?.released(held.last === held.first);
}

// Move a slider by a step without its release: React hears the input's own event, and only that.
function setSilently(input, value) {
  const write = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  write.call(input, String(value));
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

function nextValue(input, step) {
  const size = Number(input.step) || 1;
  const low = Number(input.min);
  const high = Number(input.max);
  const places = (input.step.split(".")[1] ?? "").length;
  const moved = Number((Number(input.value) + step * size).toFixed(places));
  return Math.min(high, Math.max(low, moved));
}

// A held arrow key: Streamlit would take every repetition for a release and run the page for each, finishing none.
// The first press is Streamlit's own. Repetitions move the thumb only; the release of the key is the release.
function onKeyDown(event) {
  const step = STEPS[event.key];
  if (!step || !event.repeat || event.shiftKey || !event.isTrusted) return;
  const slider = thumbs.listener && sliderAt(event.target, thumbs.listener.names());
  if (!slider || slider.input !== event.target) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (thumbs.held?.input !== slider.input) beginHold(slider);
  thumbs.held.key = event.key;
  setSilently(slider.input, nextValue(slider.input, step));
  requestAnimationFrame(readThumb);
}

function onKeyUp(event) {
  const held = thumbs.held;
  if (!held || held.key !== event.key) return;
  readThumb();
  const { input } = held;
  const step = STEPS[event.key];
  // One step back, and when React has taken it, one key press forward: Streamlit takes that value as released.
  if (held.last !== null && held.last !== held.first) {
    const edge = Number(input.value) === Number(step > 0 ? input.max : input.min);
    const key = edge ? (step > 0 ? "End" : "Home") : event.key;
    if (!edge) setSilently(input, nextValue(input, -step));
    const press = () => {
      input.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      input.dispatchEvent(new KeyboardEvent("keyup", { key, bubbles: true }));
    };
    requestAnimationFrame(() => setTimeout(press, 0));
  }
  thumbs.held = null;
  if (held.last !== null) thumbs.listener?.released(held.last === held.first);
}

function onPointerDown(event) {
  const slider = thumbs.listener && sliderAt(event.target, thumbs.listener.names());
  if (!slider) return;
  beginHold(slider);
  requestAnimationFrame(() => setTimeout(readThumb, 0)); // a press on the track moves the thumb at once
}

function bindThumbs() {
  if (thumbs.bound) return;
  thumbs.bound = true;
  // React moves the thumb some time after the event: at once, or with the next picture.
  const frame = () => {
    setTimeout(readThumb, 0);
    requestAnimationFrame(() => setTimeout(readThumb, 0));
  };
  document.addEventListener("pointerdown", onPointerDown, true);
  document.addEventListener("pointermove", frame, true);
  document.addEventListener("touchmove", frame, { capture: true, passive: true });
  for (const end of ["pointerup", "pointercancel", "touchend"]) {
    document.addEventListener(end, () => setTimeout(endHold, 0), true);
  }
  document.addEventListener("keydown", onKeyDown, true);
  document.addEventListener("keyup", onKeyUp, true);
  window.addEventListener("blur", endHold);
}

// The listener of this page: {names(), moved({name, value}), released(unchanged)}. There is one at a time.
function followThumbs(listener) {
  thumbs.listener = listener;
  bindThumbs();
}

function isHeld() {
  return thumbs.held !== null;
}
