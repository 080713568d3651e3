/* The pages' only door to the server: JSON requests to /api/v1 and file uploads.

   A refusal becomes an ApiError whose message is the server's own sentence; nothing here shows it. */

const ROOT = "/api/v1";

export class ApiError extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

function sentence(status, body) {
  const detail = body?.detail;
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) return detail.map((problem) => `${problem.loc?.at(-1)}: ${problem.msg}`).join("; ");
  return `The server answered ${status}.`;
}

async function request(method, path, body, type = "application/json") {
  let response;
  try {
    response = await fetch(ROOT + path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": type },
      body: body instanceof Blob || body === undefined ? body : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "The studio does not answer. Is it still running?");
  }
  const answer = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, sentence(response.status, answer));
  return answer;
}

export const get = (path) => request("GET", path);
export const post = (path, body = {}) => request("POST", path, body);
export const postBlob = (path, blob) => request("POST", path, blob, blob.type);
export const patch = (path, body) => request("PATCH", path, body);
export const remove = (path) => request("DELETE", path);
export const url = (path) => ROOT + path;

/* Sends one file as multipart field `file`; `onProgress` gets 0..1; `signal` ends it. */
export function upload(path, file, onProgress = () => {}, signal = undefined) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file);
    const transfer = new XMLHttpRequest();
    transfer.open("POST", ROOT + path);
    transfer.responseType = "json";
    transfer.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    transfer.onload = () =>
      transfer.status < 300
        ? resolve(transfer.response)
        : reject(new ApiError(transfer.status, sentence(transfer.status, transfer.response)));
    transfer.onerror = () => reject(new ApiError(0, "The upload broke off. Is the studio still running?"));
    transfer.onabort = () => reject(new ApiError(0, "It was cancelled. Nothing was stored."));
    signal?.addEventListener("abort", () => transfer.abort());
    transfer.send(form);
  });
}
