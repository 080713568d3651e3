/* Building and describing: elements without HTML strings (names given by users are always text), numbers as people read them. */

/* element("button.primary", {onclick, title}, "Run", child, ...): a tag with classes, properties and children. */
export function element(selector, properties = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.classList.add(...classes);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "style") node.style.cssText = value;
    else if (name.startsWith("aria-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  return fill(node, ...children);
}

/* Replaces the children of a node; what is null, undefined or false is left out, so that `condition && child` works. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/* Puts other children into a node and leaves the keyboard where it was among the buttons, or at what has taken the place. */
export function redraw(node, ...children) {
  const held = [...node.querySelectorAll("button")].indexOf(document.activeElement);
  fill(node, ...children);
  if (held >= 0) [...node.querySelectorAll("button")].slice(0, held + 1).at(-1)?.focus({ preventScroll: true });
  return node;
}

/* icon("play"): one symbol of static/icons/symbols.svg, in the colour of the text around it. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons/symbols.svg#${name}`);
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/* What a list shows while it is empty. */
export function emptyState(symbol, title, text) {
  return element("div.empty-state", {}, icon(symbol), element("strong", {}, title), element("span.muted", {}, text));
}

/* 75.2 -> "1:15" */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

/* 75.2 -> "1 min 15 s"; what is left, so never more exact than it can be known. */
export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
}

/* 1234567 -> "1.2 MB" */
export function fileSize(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  const power = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const number = bytes / 1000 ** power;
  return `${power && number < 9.95 ? number.toFixed(1) : Math.round(number)} ${units[power]}`;
}

/* "3 minutes ago", from unix seconds or an ISO date. */
export function ago(moment) {
  const then = typeof moment === "number" ? moment * 1000 : Date.parse(moment);
  if (Number.isNaN(then)) return "";
  const seconds = (Date.now() - then) / 1000;
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (seconds < 60) return "just now";
  if (seconds < 3600) return words.format(-Math.round(seconds / 60), "minute");
  if (seconds < 86400) return words.format(-Math.round(seconds / 3600), "hour");
  return words.format(-Math.round(seconds / 86400), "day");
}

/* A short message at the bottom of the page; errors stay until they are closed. */
export function notify(text, kind = "info") {
  let shelf = document.querySelector(".toasts");
  if (!shelf) document.body.append((shelf = element("div.toasts", { role: "status", "aria-live": "polite" })));
  const close = () => toast.remove();
  const toast = element(
    `div.toast.${kind}`,
    {},
    element("span", {}, text),
    element("button.quiet", { title: "Close", "aria-label": "Close", onclick: close }, icon("close")),
  );
  shelf.append(toast);
  if (kind !== "error") setTimeout(close, 5000);
}

/* Runs an action of the user; what goes wrong is said to them. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    notify(error.message, "error");
    return undefined;
  }
}

/* Calls `tick` every `milliseconds` while `node` is in the page and can be seen; never twice at once. Returns a function that calls
   it now, or once more as soon as the call under way has ended. */
export function poll(node, milliseconds, tick) {
  let running = null;
  let again = false;
  async function run() {
    do {
      again = false;
      try {
        await tick();
      } catch (error) {
        console.info("poll:", error.message);
      }
    } while (again);
    running = null;
  }
  function now() {
    again = running !== null;
    running ??= run();
    return running;
  }
  setInterval(() => !running && node.isConnected && node.offsetParent !== null && !document.hidden && now(), milliseconds);
  now();
  return now;
}
