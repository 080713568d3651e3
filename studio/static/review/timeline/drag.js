/* Follows a pointer from its press on an element to its release. In: the pressing event. Out: calls of move and end. */

export function follow(element, event, move, end = () => {}) {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = (last) => {
    controller.abort();
    end(last);
  };
  element.setPointerCapture(event.pointerId);
  element.addEventListener("pointermove", move, { signal });
  element.addEventListener("pointerup", stop, { signal });
  element.addEventListener("pointercancel", stop, { signal });
}
