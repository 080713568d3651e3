/* What benchmarks/review_page.py measures inside the page, added before the page's own scripts.
   `window.bench`: when a frame is drawn on the canvas, when it is painted, and what a move of the brush costs. Times in milliseconds. */

(() => {
  const waiting = [];
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  let drawnFrames = [];

  // A frame is drawn in one go with its masks: what follows in the same turn is drawn too once the microtask runs.
  CanvasRenderingContext2D.prototype.drawImage = function (image, ...place) {
    draw.call(this, image, ...place);
    if (image instanceof ImageBitmap) queueMicrotask(noteDrawn);
  };

  function noteDrawn() {
    const now = performance.now();
    const frame = window.__studio?.drawnFrame;
    if (drawnFrames.at(-1)?.frame !== frame) drawnFrames.push({ frame, now });
    for (const wish of waiting.splice(0)) frame === wish.frame ? wish.resolve(now) : waiting.push(wish);
  }

  const drawn = (frame) => new Promise((resolve) => waiting.push({ frame, resolve }));
  const painted = () =>
    new Promise((resolve) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now());
        port2.postMessage(0);
      }),
    );
  const until = (time) => new Promise((resolve) => setTimeout(resolve, Math.max(0, time - performance.now())));
  const key = (name) => {
    for (const type of ["keydown", "keyup"]) {
      document.body.dispatchEvent(new KeyboardEvent(type, { key: name, code: name, bubbles: true, cancelable: true }));
    }
  };

  async function timed(frame, act) {
    const began = performance.now();
    const isDrawn = drawn(frame);
    act();
    const drawnAt = await isDrawn;
    return { drawn: drawnAt - began, painted: (await painted()) - began };
  }

  const moves = [];
  let watching = false;
  window.addEventListener(
    "pointermove",
    () => {
      if (!watching) return;
      const began = performance.now();
      let handled = began;
      window.addEventListener("pointermove", () => (handled = performance.now()), { once: true });
      requestAnimationFrame(() => {
        const frame = performance.now();
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          const end = performance.now();
          moves.push({ work: handled - began + (end - frame), painted: end - began });
        };
        port2.postMessage(0);
      });
    },
    true,
  );

  window.bench = {
    /** Steps on by the arrow key, `pace` ms apart, as a held key does. */
    async steps(count, pace) {
      const found = [];
      for (let step = 0; step < count; step++) {
        const due = performance.now() + pace;
        found.push(await timed(window.__studio.want + 1, () => key("ArrowRight")));
        await until(due);
      }
      return found;
    },

    async jumps(frames, pace) {
      const found = [];
      for (const frame of frames) {
        const due = performance.now() + pace;
        found.push(await timed(frame, () => window.__studio.go(frame)));
        await until(due);
      }
      return found;
    },

    /** Plays for some time. Which frames were drawn, and when. */
    async play(milliseconds) {
      drawnFrames = [];
      const start = performance.now();
      key(" ");
      await until(start + milliseconds);
      const { dropped } = window.__studio.state;
      key(" ");
      return { drawn: drawnFrames, dropped };
    },

    watchMoves(on) {
      watching = on;
      return moves.splice(0);
    },

    /** A request's time until its answer is read. */
    async request(address, body) {
      const began = performance.now();
      const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
      const answer = await fetch(address, options);
      const read = await answer.json();
      if (!answer.ok) throw new Error(`${address}: ${read.detail}`);
      return { time: performance.now() - began, masks: read.masks };
    },
  };
})();
