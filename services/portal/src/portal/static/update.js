// Files of an update are uploaded as soon as they are chosen, and go on after a break; the form then only names them.

import { SignedOut, openUpload, sendFile } from "/static/uploads.js";

const REFUSED = { 413: "too_large", 429: "over_quota" };

function follow(form) {
  const says = JSON.parse(form.dataset.says);
  const list = form.querySelector("[data-attached]");
  const csrf = form.querySelector("[name=csrf_token]").value;
  const going = new Map(); // row → what ends its upload
  let waiting = null; // the button that was pressed while uploads were under way
  let sent = false;

  async function take(file) {
    const row = form.querySelector("[data-row]").content.firstElementChild.cloneNode(true);
    const progress = row.querySelector("progress");
    const tell = (percent, state) => {
      progress.value = percent;
      row.querySelector("[data-said]").textContent = says[state].replace("{percent}", percent);
    };
    row.querySelectorAll("[data-name]").forEach((one) => (one.textContent = file.name));
    progress.hidden = false;
    progress.setAttribute("aria-label", says.progress.replace("{name}", file.name));
    const abort = new AbortController();
    going.set(row, abort);
    list.append(row);
    tell(0, "going");
    try {
      const id = await openUpload(file);
      const [uploadId, name] = row.querySelectorAll("input");
      [uploadId.value, name.value] = [id, file.name];
      await sendFile(file, id, tell, abort.signal);
      if (!abort.signal.aborted) tell(100, "done");
    } catch (error) {
      // It is no part of the update then; its row says why, and who pressed Send decides anew.
      row.querySelectorAll("input").forEach((one) => one.remove());
      tell(0, error instanceof SignedOut ? "sign_in" : (REFUSED[error.status] ?? "failed"));
      waiting = null;
      form.querySelector("[data-status]").textContent = "";
    } finally {
      going.delete(row);
      if (waiting !== null && !going.size) form.requestSubmit(waiting);
    }
  }

  form.addEventListener("change", (event) => {
    if (event.target.type !== "file") return;
    const files = [...event.target.files];
    event.target.value = "";
    files.forEach(take);
  });

  form.addEventListener("click", (event) => {
    const row = event.target.closest("[data-remove]")?.closest("li");
    if (!row) return;
    going.get(row)?.abort();
    const id = row.querySelector("[name=upload_id]")?.value;
    if (id) fetch(`/uploads/${encodeURIComponent(id)}`, { method: "DELETE", headers: { "X-CSRF-Token": csrf } }).catch(() => {});
    row.remove();
    form.querySelector("input[type=file]").focus();
  });

  // A second press while the first is under way sends nothing.
  form.addEventListener("submit", (event) => {
    if (going.size || sent) event.preventDefault();
    if (going.size) {
      waiting = event.submitter;
      form.querySelector("[data-status]").textContent = says.finishing;
    } else sent = true;
  });
  window.addEventListener("pageshow", () => (sent = false));
  form.dataset.ready = "";
}

document.querySelectorAll("[data-update]").forEach(follow);
