// Resumable uploads through the portal: a session is opened, its bytes are sent piece by piece, and after a break
// the server is asked where to go on. Importing this does nothing by itself.

const PIECE = 1024 * 1024;
const LONGEST_WAIT = 15_000;

/** The person has to sign in again before anything goes on. */
export class SignedOut extends Error {}
/** The server has said no for good; `status` says why. */
export class UploadRefused extends Error {
  constructor(status) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

function csrf() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

async function ask(path, options) {
  const answer = await fetch(path, { ...options, headers: { "X-CSRF-Token": csrf(), ...options.headers } });
  if (answer.redirected) throw new SignedOut();
  return answer;
}

/** Opens a session for a file; gives its id. */
export async function openUpload(file) {
  const headers = { "Upload-Length": String(file.size), "Upload-Name": encodeURIComponent(file.name) };
  const answer = await ask("/uploads", { method: "POST", headers });
  if (!answer.ok) throw new UploadRefused(answer.status);
  return (await answer.json()).upload_id;
}

/** How much of an upload is there: {offset, length}, null when it is gone. */
export async function whereIs(id) {
  const answer = await ask(`/uploads/${encodeURIComponent(id)}`, { method: "HEAD" });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new UploadRefused(answer.status);
  return { offset: Number(answer.headers.get("Upload-Offset")), length: Number(answer.headers.get("Upload-Length")) };
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    window.addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}

function forGood(error) {
  if (error instanceof SignedOut) return true;
  return error instanceof UploadRefused && error.status < 500 && ![408, 409, 429].includes(error.status);
}

/**
 * Sends what is missing of a file, however often the line breaks.
 * `tell(percent, state)` hears of progress; state is "going" or "waiting".
 */
export async function sendFile(file, id, tell, signal) {
  let wait = 500;
  let offset = null;
  while (!signal.aborted) {
    try {
      if (offset === null) {
        const there = await whereIs(id);
        if (there === null) throw new UploadRefused(404);
        offset = there.offset;
      }
      tell(file.size ? Math.floor((100 * offset) / file.size) : 100, "going");
      if (offset >= file.size) return;
      const answer = await ask(`/uploads/${encodeURIComponent(id)}`, {
        method: "PATCH",
        headers: { "Upload-Offset": String(offset), "Content-Type": "application/octet-stream" },
        body: file.slice(offset, offset + PIECE),
        signal,
      });
      if (!answer.ok) throw new UploadRefused(answer.status);
      offset = (await answer.json()).offset;
      wait = 500;
    } catch (error) {
      if (signal.aborted) return;
      if (forGood(error)) throw error;
      tell(file.size && offset ? Math.floor((100 * offset) / file.size) : 0, "waiting");
      offset = null;
      await pause(wait, signal);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }
}
