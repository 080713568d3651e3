/* Elements in one call. Text always becomes a text node, so names from users can never turn into markup.
   In: tag, attributes (functions under on... become listeners), children. Out: the element. */

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A button that a mouse click does not focus, so that the keyboard stays with the stage afterwards. */
export function button(attributes, ...children) {
  const { class: classes = "", ...rest } = attributes;
  return el("button", { type: "button", class: `ct-button ${classes}`, onmousedown: keepFocus, ...rest }, ...children);
}

function keepFocus(event) {
  event.preventDefault();
}

/** Keys of what opens and closes. When it has just closed it keeps the focus until the next frame, and leaves keys to the page. */
export function onKeyWhileShown(root, take) {
  root.addEventListener("keydown", (event) => root.checkVisibility() && take(event));
}

/** Sets text only when it differs: spares layout and keeps screen readers quiet. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A function that runs `draw` at most once per animation frame, however often it is called. */
export function oncePerFrame(draw) {
  let pending = 0;
  return () => {
    if (pending) return;
    pending = requestAnimationFrame(() => {
      pending = 0;
      draw();
    });
  };
}
