/* The studio's HTTP interface as functions: one call per route, JSON parsed, errors as ApiError.
   In: ids and values. Out: the server's answers as they come. Keeps no state and retries nothing. */

import { runsToBytes } from "./rle.js";

/** A refusal by the server, or no answer at all (status 0). The message is a sentence for the person. */
export class ApiError extends Error {
  constructor(status, message, body = null) {
    super(message);
    this.status = status;
    this.body = body;
  }

  /** Whether the same request may succeed later. */
  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export function createApi(base) {
  const video = (id) => `${base}/videos/${encodeURIComponent(id)}`;
  const mask = (id, track, frame) => `${video(id)}/tracks/${encodeURIComponent(track)}/masks/${frame}`;
  const send = (method, url, body, headers = {}) =>
    request(url, { method, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });
  const post = (url, body = {}, headers = {}) => send("POST", url, body, headers);

  return {
    video: (id) => request(video(id)),
    tracks: (id) => request(`${video(id)}/tracks`),
    timeline: (id) => request(`${video(id)}/timeline`),
    confidence: (id, bins) => request(`${video(id)}/confidence?bins=${bins}`),
    times: (id) => request(`${video(id)}/times`),
    edits: (id) => request(`${video(id)}/edits`),
    masks: (id, start, count) => request(`${video(id)}/masks?start=${start}&n=${count}`),
    candidates: (id, frame, x, y) => request(`${video(id)}/candidates?frame=${frame}&x=${x}&y=${y}`),
    originalMasks: (id, start, count) => request(`${video(id)}/masks?start=${start}&n=${count}&original=true`),

    runMasks: (id, run, start, count) => request(`${video(id)}/masks?start=${start}&n=${count}&run=${run}`),
    comparison: (id, run) => request(`${video(id)}/runs/${run}/comparison`),
    run: (id, settings) => post(`${video(id)}/runs`, settings),
    models: () => request(`${base}/models`),

    /** Addresses of small pictures: n of them side by side along a range of frames; a track's best one, of a revision. */
    stripUrl: (id, query) => `${video(id)}/strip.jpg?${new URLSearchParams(query)}`,
    trackThumbnailUrl: (id, track, query) => `${video(id)}/tracks/${encodeURIComponent(track)}/thumbnail.jpg?${new URLSearchParams(query)}`,

    /** Address of a frame's picture; height in pixels, or null for the video's own. With the video's version in it the
     *  browser may keep the picture for ever. */
    frameUrl: (id, frame, height, version) => {
      const query = new URLSearchParams();
      if (height) query.set("h", height);
      if (version) query.set("v", version);
      return `${video(id)}/frames/${frame}.jpg?${query}`;
    },

    /** key: names this request, so that it is done once however often it is sent; rev: of the mask that is replaced. */
    putMask: (id, track, frame, runs, rev, key = null) =>
      request(mask(id, track, frame), {
        method: "PUT",
        headers: { "Content-Type": "application/octet-stream", "If-Match": String(rev), ...named(key) },
        body: runsToBytes(runs),
      }),
    deleteMask: (id, track, frame, rev, key = null) =>
      request(mask(id, track, frame), { method: "DELETE", headers: { "If-Match": String(rev), ...named(key) } }),

    /** rev: of the video as it was seen; the operation is refused if it would go over changes made since. */
    operate: (id, operation, body, { key = null, rev = null } = {}) =>
      post(`${video(id)}/ops/${operation}`, body, { ...named(key), ...(rev !== null && { "If-Match": String(rev) }) }),
    preview: (id, operation, body) => post(`${video(id)}/ops/preview`, { op: operation, ...body }),
    /** The operations that the worker does; one that takes long is answered with {job, op}, and again once that is over. */
    underway: (id) => request(`${video(id)}/ops`),
    job: (id) => request(`${base}/jobs/${id}`),
    cancelJob: (id) => post(`${base}/jobs/${id}/cancel`),
    /** What tracking again would show, of a long video its first frames, or (whole) all of it; the signal gives it up. */
    retrackPreview: (id, settings, signal, whole = false) =>
      request(`${video(id)}/retrack/preview${whole ? "?whole=true" : ""}`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(settings), signal,
      }),
    /** Has the video drawn as it is shown now; a job of the worker. */
    drawVideo: (id) => post(`${video(id)}/overlay`),
    undo: (id, key = null) => post(`${video(id)}/undo`, {}, named(key)),
    redo: (id, key = null) => post(`${video(id)}/redo`, {}, named(key)),

    suggestions: (id) => request(`${video(id)}/suggestions`),
    settleSuggestion: (id, suggestion, state) => send("PATCH", `${video(id)}/suggestions/${suggestion}`, { state }),
    progress: (id) => request(`${video(id)}/progress`),
    review: (id) => request(`${video(id)}/review`),
    changeReview: (id, change) => send("PATCH", `${video(id)}/review`, change),
    comments: (id) => request(`${video(id)}/comments`),
    addComment: (id, comment, key = null) => post(`${video(id)}/comments`, comment, named(key)),
    /** change: {text} or {resolved}; null takes the comment away. */
    alterComment: (comment, change) =>
      change ? send("PATCH", `${base}/comments/${comment}`, change) : request(`${base}/comments/${comment}`, { method: "DELETE" }),
    people: () => request(`${base}/people`),
    preferences: () => request(`${base}/preferences`),
    savePreferences: (chosen) => send("PUT", `${base}/preferences`, chosen),
    rename: (name) => send("PUT", `${base}/me`, { name }),
    addCategory: (project, name) => post(`${base}/projects/${encodeURIComponent(project)}/categories`, { name }),
  };
}

const named = (key) => (key === null ? {} : { "Idempotency-Key": key });

async function request(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    throw new ApiError(0, "The studio does not answer. Check that it is still running.");
  }
  const body = await readJson(response);
  if (!response.ok) {
    const detail = typeof body?.detail === "string" ? body.detail : `The studio refused the request (${response.status}).`;
    throw new ApiError(response.status, detail, body);
  }
  return body;
}

async function readJson(response) {
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
