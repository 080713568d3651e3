/* Adding a model: a file from this browser, or a path or an address for the studio to read; its name and preset, both optional.

   The work is a job of the server, so the page may be left. What failed for its name or preset is tried again with the file that
   the server has. mountAdding(root, around, source) -> a function that asks for nothing new; `around.added(name)` follows a success. */

import { get, post, upload } from "./api.js";
import { attempt, element, fill, icon, notify } from "./dom.js";
import { notice } from "./finetune_material.js";
import { cancel, follow, hasEnded, progressBar, progressText, setBar } from "./jobs.js";

const FORMS = ".pth,.pt,.pkl,.bin,.safetensors,.zip";
const MEGABYTE = 1e6;

const field = (words, control, help) =>
  element("label.field", {}, element("span", {}, words), control, help && element("small.muted", {}, help));

export function mountAdding(root, around, source = "") {
  let file = null;
  let tried = null; // the job that failed: {id, file, source}

  const picker = element("input", { type: "file", accept: FORMS, hidden: true });
  const drop = element("button.drop-zone", { type: "button", onclick: () => picker.click() });
  const place = element("input.text", { type: "text", placeholder: "https://…  or  /folder/model.pth", value: source });
  const name = element("input.text", { type: "text", maxLength: 100, placeholder: "As the file is called" });
  const preset = element("select.text", {}, element("option", { value: "" }, "Guess it from the file"));
  const add = element("button.primary", {}, icon("plus"), "Add model");
  const work = element("div", { role: "status" });
  const form = element(
    "form.card.model-form",
    {},
    drop,
    picker,
    field("Or where it lies", place, "An address on the web, or a path on the machine that the studio runs on."),
    element(
      "div.model-form-pair",
      {},
      field("Name", name),
      field("Preset", preset, "Needed where the shapes fit several: 40 categories are those of YouTube-VIS 2019, 2021 and 2022."),
    ),
    element("div", {}, add),
  );
  fill(
    root,
    element("header.page-head", {}, element("h1", {}, "Add a model")),
    element(
      "div.model-stack",
      {},
      work,
      form,
      element("p.muted", {}, "A CTVIS checkpoint, a Mask2Former COCO instance model to train from, or what this page exports. It is checked tensor by tensor; nothing in it is run."),
    ),
  );

  function choose(chosen) {
    file = chosen ?? null;
    if (file) place.value = "";
    draw();
  }

  function draw() {
    const size = file && `${(file.size / MEGABYTE).toFixed(1)} MB`;
    fill(
      drop,
      icon(file ? "check" : "upload"),
      element("strong", {}, file?.name ?? "Choose a file, or drop it here"),
      element("span.muted", {}, size ?? ".pth, .pkl, .safetensors or .zip"),
    );
  }

  function busy(words, stop) {
    const bar = progressBar(0);
    const text = element("span.muted", {}, words);
    const end = element("button", { type: "button", onclick: stop }, "Cancel");
    fill(work, element("article.card.adding", {}, element("div.job-line", {}, element("strong.grow", {}, "Adding a model"), end), bar, text));
    form.inert = true;
    return { bar, text };
  }

  function said(sentence) {
    form.inert = false;
    fill(work, notice("danger", sentence));
    draw();
  }

  async function watch(id) {
    let job = null;
    const { bar, text } = busy("Waiting for its turn", () => cancel(job ?? { id }));
    job = await follow(id, (now) => {
      job = now;
      setBar(bar, now.progress);
      text.textContent = progressText(now);
    });
    if (job.state === "done") {
      form.inert = false;
      fill(work);
      choose(null);
      notify(`${job.model} is added. ${job.message}`);
      return around.added(job.model);
    }
    tried = { id, file, source: place.value };
    said(job.error ?? "It was cancelled. Nothing was stored.");
  }

  async function begin() {
    const asked = { name: name.value.trim() || null, preset: preset.value || null };
    try {
      const again = tried?.file === file && tried?.source === place.value && (await tryAgain(asked));
      const job = again || (file ? await send(asked) : await post("/models", { source: place.value.trim(), ...asked }));
      await watch(job.id);
    } catch (error) {
      said(error.message);
    }
  }

  /* The job that failed, once more; false where the server has its file no longer. */
  const tryAgain = (asked) =>
    post("/models", { job: tried.id, ...asked }).catch((error) => {
      if (error.status !== 404) throw error;
      return false;
    });

  async function send(asked) {
    const sending = new AbortController();
    const { bar, text } = busy(`Sending ${file.name}`, () => sending.abort());
    const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
    const show = (share) => {
      setBar(bar, share);
      text.textContent = `Sending ${file.name} · ${Math.round(100 * share)} %`;
    };
    return upload(`/models?${query}`, file, show, sending.signal);
  }

  picker.addEventListener("change", () => choose(picker.files[0]));
  place.addEventListener("input", () => place.value && file && choose(null));
  form.addEventListener("submit", (event) => (event.preventDefault(), begin()));
  drop.addEventListener("dragover", (event) => (event.preventDefault(), drop.classList.add("dropping")));
  drop.addEventListener("dragleave", () => drop.classList.remove("dropping"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("dropping");
    choose(event.dataTransfer.files[0]);
  });

  draw();
  attempt(async () => {
    const [{ presets }, { jobs }] = await Promise.all([get("/zoo"), get("/jobs?kind=add_model&limit=1")]);
    preset.append(...presets.map((one) => element("option", { value: one }, one)));
    const left = jobs.find((job) => !hasEnded(job)); // the page was left before it had ended
    if (left) await watch(left.id).catch((error) => said(error.message));
  });
  return () => {};
}
