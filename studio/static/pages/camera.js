/* The browser's camera as a source of frames that are always the newest ones.

   In: permission of the person. Out: `next()` gives a picture that was not given before, with the time it was taken and how many the
   camera showed since the last one. Nothing is sent anywhere: see live_camera.js. */

const LONGEST_EDGE = 1280; // pixels of a picture; the server takes up to 1920
const QUALITY = 0.85; // of its JPEG
const NO_FRAME = 5000; // milliseconds after which a camera that shows nothing is given up

const REFUSALS = {
  NotAllowedError: "The browser does not let this page use the camera. Allow it, by the sign beside the address, and try again.",
  NotFoundError: "There is no camera on this device.",
  NotReadableError: "The camera is being used by another program. Close that one and try again.",
};

export class Camera {
  #stream = null;
  #canvas = document.createElement("canvas");
  #latest = null; // {time, count} of the picture on show
  #given = 0; // count of the picture given last
  #waiting = null;

  /** `video`: the element that shows the camera; `lost` is called when it is unplugged. */
  constructor(video, lost = () => {}) {
    this.video = video;
    this.lost = lost;
  }

  get size() {
    return { width: this.#canvas.width, height: this.#canvas.height };
  }

  get isOpen() {
    return this.#stream !== null;
  }

  async open() {
    if (this.isOpen) return;
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("Browsers give pages the camera only on this machine's own address (127.0.0.1) or over https.");
    }
    const wish = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, facingMode: { ideal: "environment" } };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false });
    } catch (error) {
      throw new Error(REFUSALS[error.name] ?? `The camera cannot be used: ${error.message}`);
    }
    this.#stream.getVideoTracks()[0].addEventListener("ended", () => (this.close(), this.lost()));
    this.video.hidden = false;
    this.video.srcObject = this.#stream;
    await this.video.play();
    // One size for the whole session: a phone that is turned shows bars instead of another size.
    const scale = Math.min(1, LONGEST_EDGE / Math.max(this.video.videoWidth, this.video.videoHeight));
    this.#canvas.width = Math.round(this.video.videoWidth * scale);
    this.#canvas.height = Math.round(this.video.videoHeight * scale);
    this.#latest = null;
    this.#given = 0;
    this.#watch();
  }

  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.video.srcObject = null;
    this.video.hidden = true;
    this.#waiting?.();
  }

  /** The newest picture: {bitmap, jpeg, time (performance.now() of its capture), dropped}; null once the camera is closed. */
  async next() {
    while (this.isOpen && (!this.#latest || this.#latest.count === this.#given)) {
      await this.#wait(); // long, if the page is hidden
      if (this.isOpen && !this.#latest) throw new Error("The camera shows no picture. Is another program using it?");
    }
    if (!this.isOpen) return null;
    const { time, count } = this.#latest;
    const dropped = this.#given ? Math.max(0, count - this.#given - 1) : 0;
    this.#given = count;
    this.#draw();
    const [bitmap, jpeg] = await Promise.all([
      createImageBitmap(this.#canvas),
      new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", QUALITY)),
    ]);
    return { bitmap, jpeg, time, dropped };
  }

  #draw() {
    const { width, height } = this.#canvas;
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(width / videoWidth, height / videoHeight);
    const context = this.#canvas.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    const [w, h] = [videoWidth * scale, videoHeight * scale];
    context.drawImage(this.video, (width - w) / 2, (height - h) / 2, w, h);
  }

  /* Notes every picture that the camera shows. */
  #watch() {
    if (!this.isOpen) return;
    const seen = (now, { captureTime, presentedFrames }) => {
      this.#latest = { time: captureTime ?? now, count: presentedFrames };
      this.#waiting?.();
      this.#watch();
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(seen);
    else setTimeout(() => seen(performance.now(), { presentedFrames: this.#given + 1 }), 33);
  }

  #wait() {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, NO_FRAME);
      this.#waiting = () => (clearTimeout(timer), (this.#waiting = null), resolve());
    });
  }
}
