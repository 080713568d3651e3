/* What the stage needs of the page around it: its style sheets, the theme, the height of the window, the address, the other pages.
   In: the document. Out: promises and callbacks; each watcher returns a function that ends it. */

const SHEETS = [
  "tokens.css", "review.css", "review_operations.css", "review_tools.css", "review_timeline.css", "review_tracks.css",
  "review_queue.css", "review_team.css", "review_again.css", "review_runs.css",
];
const SMALLEST_HEIGHT = 560; // px
const AT_REST = 300; // ms on one frame; browsers slow down who changes the address often

/** Adds the style sheets that are not on the page yet and waits for them, so that nothing is drawn without style. */
export function loadStyles(folder) {
  return Promise.all(SHEETS.map((name) => loadSheet(new URL(name, folder).href)));
}

function loadSheet(href) {
  const here = [...document.styleSheets].some((sheet) => sheet.href?.split("?")[0] === href);
  if (here) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => reject(new Error(`The style sheet ${href} could not be loaded.`)));
    document.head.append(link);
  });
}

/** Calls back when the theme (the class `dark` on the body or the root) may have changed. */
export function watchTheme(changed) {
  const observer = new MutationObserver(changed);
  for (const target of [document.body, document.documentElement]) {
    observer.observe(target, { attributes: true, attributeFilter: ["class"] });
  }
  return () => observer.disconnect();
}

/** Goes to another page of the studio, as a click on a link with this address does. */
export function visit(address) {
  const link = document.createElement("a");
  link.href = address;
  document.body.append(link);
  link.click();
  link.remove();
}

/** The address names the frame on show, so that a reload, a bookmark and the way back lead to it. */
export function nameFrame(store) {
  let timer = null;
  const name = () => {
    const { video, want } = store.state;
    const address = new URL(location.href);
    const { searchParams: asked } = address;
    if (document.documentElement.dataset.page !== "review" || asked.get("video") !== String(video?.id)) return;
    if (want > 0) asked.set("frame", want);
    else asked.delete("frame");
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(name, AT_REST);
  };
  const end = store.watch(["want"], soon);
  document.addEventListener("ctvis:page", soon);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("ctvis:page", soon);
    end();
  };
}

/** Gives the element all the height its page has below the element's upper edge. */
export function fillWindow(element) {
  const fill = () => {
    if (element.offsetParent === null) return;
    const page = scrollingAncestor(element);
    const above = element.getBoundingClientRect().top - page.getBoundingClientRect().top + page.scrollTop;
    const height = page === document.documentElement ? window.innerHeight : page.clientHeight;
    element.style.height = `${Math.max(SMALLEST_HEIGHT, Math.floor(height - above))}px`;
  };
  const observer = new ResizeObserver(fill);
  observer.observe(document.body);
  observer.observe(element.parentElement);
  window.addEventListener("resize", fill);
  fill();
  return () => {
    observer.disconnect();
    window.removeEventListener("resize", fill);
  };
}

function scrollingAncestor(element) {
  for (let ancestor = element.parentElement; ancestor && ancestor !== document.body; ancestor = ancestor.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(ancestor).overflowY)) return ancestor;
  }
  return document.documentElement;
}
