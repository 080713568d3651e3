/* Runs before the first paint (a plain script in the head): the page of the address, or the one last seen, and the theme the
   person chose.

   Later changes of either are made by shell.js, which reads and writes the same two places: <html data-page> and localStorage. */

(() => {
  const PAGES = ["try", "library", "run", "review", "finetune", "models", "export", "jobs"];
  const root = document.documentElement;

  // The studio opens where it was left: an address that asks for nothing takes the last one.
  const left = localStorage.getItem("ctvis.place");
  if (!location.search && left) history.replaceState(null, "", left);
  const keep = () => {
    if (/^\?(view|video)=/.test(location.search)) localStorage.setItem("ctvis.place", location.search);
  };
  keep();
  document.addEventListener("ctvis:page", keep);
  addEventListener("pagehide", keep);

  const asked = new URLSearchParams(location.search);
  root.dataset.page = PAGES.includes(asked.get("view")) ? asked.get("view") : asked.has("video") ? "review" : "try";

  const system = matchMedia("(prefers-color-scheme: dark)");
  const wanted = () => {
    const chosen = localStorage.getItem("ctvis.theme");
    return chosen ? chosen === "dark" : system.matches;
  };
  const apply = () => {
    root.dataset.theme = wanted() ? "dark" : "light";
    if (document.body && document.body.classList.contains("dark") !== wanted()) document.body.classList.toggle("dark", wanted());
  };
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("ctvis:theme", apply);
  // Gradio sets its own idea of the theme on the body while it starts: put the person's back.
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    new MutationObserver(apply).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  });
})();
