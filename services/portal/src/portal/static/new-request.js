// The request's form with scripts: its parts follow the choices at once, a draft is kept while typing, files are
// uploaded as soon as they are chosen. All of it works without, by the form's own buttons.

import { SignedOut, openUpload, sendFile, whereIs } from "/static/uploads.js";

const form = document.querySelector("[data-request]");
const says = JSON.parse(form.dataset.says);
const status = form.querySelector("[data-status]");
const csrf = document.querySelector('meta[name="csrf-token"]').content;
const SAVE_AFTER = 600;
const AGAIN_AFTER = 3000;

// ---- What is typed

// Which posting of this page it is: one that is slow on its way must not undo a later one.
const PAGE = Date.now().toString(36) + Math.random().toString(36).slice(2);
let turn = 0;
form.addEventListener("formdata", (event) => {
  event.formData.set("page", PAGE);
  event.formData.set("turn", ++turn);
});

function typed() {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string") values.append(name, value);
  }
  return values;
}

class Away extends Error {}

async function post(path, options = {}) {
  sending += 1;
  const asking = fetch(path, { method: "POST", body: typed(), headers: { "X-CSRF-Token": csrf }, ...options });
  const answer = await asking.finally(() => (sending -= 1));
  if (answer.redirected) {
    status.textContent = says.sign_in;
    throw new SignedOut();
  }
  if (answer.status >= 500) throw new Away();
  return answer;
}

// ---- Parts that other choices change

/** A part's shape: all of it but what is typed in it, so that a part is only replaced when it asks for other things. */
function shapeOf(part) {
  const copy = part.cloneNode(true);
  for (const input of copy.querySelectorAll("input:not([type=hidden])")) {
    input.removeAttribute("value");
    if (!["radio", "checkbox"].includes(input.type)) continue;
    input.removeAttribute("checked");
  }
  copy.querySelectorAll("option").forEach((option) => option.removeAttribute("selected"));
  copy.querySelectorAll("textarea").forEach((area) => (area.textContent = ""));
  copy.querySelectorAll("input[type=radio], input[type=checkbox]").forEach((box) => box.setAttribute("data-is", box.getAttribute("value") ?? ""));
  return copy.innerHTML.replace(/\s+/g, " ");
}

const shapes = new Map();
for (const part of document.querySelectorAll("[data-part]")) shapes.set(part.dataset.part, shapeOf(part));

/** What was typed since the server was asked; it is newer than the server's answer, wherever it stands now. */
function newer() {
  return [...typedSince].map((name) => [name, new FormData(form).getAll(name)]);
}

function putBack(values) {
  for (const [name, all] of values) {
    const inputs = [...form.querySelectorAll("input, select, textarea")].filter((input) => input.name === name);
    for (const input of inputs) {
      if (input.type === "radio" || input.type === "checkbox") input.checked = all.includes(input.value);
      else if (inputs.length === 1 && input.type !== "file" && all.length) input.value = all[0];
    }
  }
}

const typedSince = new Set();
let asked = 0;
let again = null;
let saving = null;
let sending = 0; // postings on their way
let waiting = null; // the button that was pressed while uploads were under way

async function refresh() {
  const mine = ++asked;
  typedSince.clear();
  clearTimeout(again);
  clearTimeout(saving); // asking keeps the draft too
  saving = null;
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await post(`${form.getAttribute("action")}/parts`);
    const text = await answer.text();
    // What a later choice has asked for will be there soon.
    if (mine !== asked || !answer.ok) return;
    show(new DOMParser().parseFromString(text, "text/html"));
    tellKept(answer.headers.get("Draft-Kept") !== "no");
  } catch (error) {
    if (error instanceof SignedOut || mine !== asked) return;
    status.textContent = says.later;
    again = setTimeout(refresh, AGAIN_AFTER);
  } finally {
    if (mine === asked) form.removeAttribute("aria-busy");
  }
}

function show(page) {
  const since = newer();
  for (const fresh of page.querySelectorAll("[data-part]")) {
    const name = fresh.dataset.part;
    const shape = shapeOf(fresh);
    if (shapes.get(name) === shape) continue;
    shapes.set(name, shape);
    replace(document.querySelector(`[data-part="${name}"]`), fresh);
  }
  putBack(since);
  showUploads();
}

function replace(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const at = focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null;
  const selector = focused && selectorOf(focused);
  fresh.querySelectorAll("[autofocus]").forEach((element) => element.removeAttribute("autofocus"));
  // A file that was chosen stays chosen where it is.
  part.replaceWith(document.adoptNode(fresh));
  window.htmx?.process(fresh);
  if (!selector) return;
  const again = fresh.querySelector(selector);
  again?.focus({ preventScroll: true });
  if (again && at && at[0] !== null && again.setSelectionRange) again.setSelectionRange(...at);
}

function selectorOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (!element.name) return null;
  const value = ["radio", "checkbox"].includes(element.type) || element.tagName === "BUTTON";
  return `[name="${CSS.escape(element.name)}"]${value ? `[value="${CSS.escape(element.value)}"]` : ""}`;
}

// ---- The draft

function rememberDraft() {
  const id = form.elements.namedItem("draft").value;
  const here = new URL(location.href);
  if (here.searchParams.get("draft") === id && here.pathname === form.getAttribute("action")) return;
  history.replaceState(null, "", `${form.getAttribute("action")}?draft=${encodeURIComponent(id)}`);
}

function tellKept(kept) {
  if (kept) rememberDraft();
  if (waiting === null) status.textContent = kept ? says.saved : says.over;
}

function saveSoon(after = SAVE_AFTER) {
  clearTimeout(saving);
  saving = setTimeout(save, after);
}

async function save() {
  clearTimeout(saving);
  saving = null;
  try {
    const answer = await post("/requests/new/draft");
    if (answer.ok || answer.status === 409) tellKept(answer.ok);
  } catch (error) {
    if (!(error instanceof SignedOut) && saving === null) saveSoon(AGAIN_AFTER);
  }
}

let leaving = false;
function saveAtLast() {
  // What is on its way may be cut off by leaving.
  if ((saving === null && !sending) || leaving) return;
  clearTimeout(saving);
  saving = null;
  fetch("/requests/new/draft", { method: "POST", body: typed(), headers: { "X-CSRF-Token": csrf }, keepalive: true }).catch(() => {});
}

// The first comes before the next page is asked for, and is not told to every browser.
window.addEventListener("beforeunload", saveAtLast);
window.addEventListener("pagehide", saveAtLast);

// ---- What the person does

form.addEventListener("input", (event) => {
  if (event.target.name) typedSince.add(event.target.name);
  if (event.target.name === "cc") showPicks();
  if (event.target.closest("[data-files]")) return;
  saveSoon();
});

form.addEventListener("change", (event) => {
  const target = event.target;
  if (target.matches("[data-files]")) takeFiles(target);
  else if (target.matches("[data-pick]")) pick(target);
  else if (target.matches("[data-decides], [data-check]")) refresh();
  else if (saving !== null) save(); // who leaves a field may be about to leave the page
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-refresh]")) {
    event.preventDefault();
    refresh();
  } else if (button.matches("[data-ratings]")) {
    event.preventDefault();
    if (!form.querySelector("[name=rated]")) {
      const rated = Object.assign(document.createElement("input"), { type: "hidden", name: "rated", value: "1" });
      form.querySelector('[data-part="urls"]').append(rated);
    }
    shapes.delete("urls");
    refresh();
  } else if (button.matches("[data-remove]")) {
    event.preventDefault();
    remove(button.closest("[data-upload]"));
  } else if (button.matches("[data-profile]")) {
    event.preventDefault();
    openProfiles();
  }
});

// The lines alone say who hears of the case: a box puts its address there, or takes it away, and is not sent itself.
const boxes = [...form.querySelectorAll("[name=cc_pick]")];
for (const box of boxes) {
  box.removeAttribute("name");
  box.dataset.pick = "";
}

function lines() {
  return form.elements.namedItem("cc").value.split("\n");
}

function isLine(address) {
  return (line) => line.trim().toLowerCase() === address.toLowerCase();
}

function showPicks() {
  for (const box of boxes) box.checked = lines().some(isLine(box.value));
}

function pick(box) {
  const others = lines().filter((line) => !isLine(box.value)(line));
  while (others.length && !others.at(-1).trim()) others.pop();
  form.elements.namedItem("cc").value = [...others, ...(box.checked ? [box.value] : [])].join("\n");
  typedSince.add("cc");
  save();
}

// ---- Attachments

const uploads = new Map(); // id → {percent, state, abort}
const interrupted = new Map(); // id → {name, size}

function rows() {
  return [...form.querySelectorAll("[data-upload]")];
}

function showUploads() {
  for (const row of rows()) {
    const upload = uploads.get(row.dataset.upload);
    if (!upload) continue;
    const progress = row.querySelector("[data-progress]");
    progress.hidden = false;
    progress.querySelector("progress").value = upload.percent;
    progress.querySelector("[data-said]").textContent = says[upload.state].replace("{percent}", upload.percent);
  }
}

function tell(id, percent, state) {
  uploads.set(id, { ...uploads.get(id), percent, state });
  showUploads();
}

async function takeFiles(input) {
  const files = [...input.files];
  input.value = "";
  await Promise.all(files.map(take));
}

function addRow(id, file) {
  // Hidden fields of its own until the server has rendered the row.
  const number = 1 + Math.max(-1, ...rows().map((row) => Number(row.querySelector("input").name.split("/")[1])), ...[...form.querySelectorAll("[data-new-row]")].map((one) => Number(one.dataset.newRow)));
  const part = form.querySelector('[data-part="attachments"]');
  for (const [name, value] of Object.entries({ upload_id: id, name: file.name, size: String(file.size) })) {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: `attachments/${number}/${name}`, value });
    field.dataset.newRow = number;
    part.append(field);
  }
}

async function take(file) {
  const known = [...interrupted].find(([, one]) => one.name === file.name && one.size === file.size);
  let id;
  try {
    if (known) {
      [id] = known;
      interrupted.delete(id);
    } else {
      id = await openUpload(file);
      addRow(id, file);
    }
  } catch (error) {
    status.textContent = error instanceof SignedOut ? says.sign_in : `${file.name}: ${says[{ 413: "too_large", 429: "over_quota" }[error.status]] ?? says.failed}`;
    return;
  }
  const abort = new AbortController();
  uploads.set(id, { percent: 0, state: "going", abort });
  await refresh();
  try {
    await sendFile(file, id, (percent, state) => tell(id, percent, state), abort.signal);
    if (abort.signal.aborted) return;
    tell(id, 100, "done");
  } catch (error) {
    tell(id, uploads.get(id).percent, error instanceof SignedOut ? "sign_in" : error.status === 404 ? "gone" : "failed");
    return;
  } finally {
    settle();
  }
  await refresh();
  settle();
}

function going() {
  return [...uploads.values()].some((upload) => ["going", "waiting"].includes(upload.state));
}

async function remove(row) {
  const id = row.dataset.upload;
  uploads.get(id)?.abort?.abort();
  uploads.delete(id);
  interrupted.delete(id);
  row.remove();
  shapes.delete("attachments");
  fetch(`/uploads/${encodeURIComponent(id)}`, { method: "DELETE", headers: { "X-CSRF-Token": csrf } }).catch(() => {});
  await refresh();
  form.querySelector("[data-files]")?.focus();
}

/** After a reload: which uploads are complete, which can go on. */
async function lookAtUploads() {
  for (const row of rows()) {
    const id = row.dataset.upload;
    try {
      const there = await whereIs(id);
      if (there === null) tell(id, 0, "gone");
      else if (there.offset >= there.length) tell(id, 100, "done");
      else {
        interrupted.set(id, { name: row.dataset.name, size: there.length });
        tell(id, Math.floor((100 * there.offset) / there.length), "interrupted");
      }
    } catch {
      // Nothing is said of what can't be asked.
    }
  }
}

// ---- Submitting

form.addEventListener("submit", (event) => {
  const action = event.submitter?.value ?? "submit";
  if (action === "submit" && going()) {
    event.preventDefault();
    waiting = event.submitter;
    status.textContent = says.finishing;
    return;
  }
  leaving = true;
  clearTimeout(saving);
});

window.addEventListener("pageshow", () => (leaving = false));

function settle() {
  if (waiting === null || going()) return;
  const button = waiting;
  waiting = null;
  form.requestSubmit(button);
}

// ---- Update or Add a Product Profile

const dialog = document.getElementById("profile-dialog");

async function openProfiles() {
  const path = `${form.getAttribute("action")}/profile?profile_id=${encodeURIComponent(form.elements.namedItem("profile_id")?.value ?? "")}`;
  dialog.showModal();
  await window.htmx.ajax("GET", path, { target: dialog, select: "#quick-profile", swap: "innerHTML" });
}

dialog.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close]")) return;
  event.preventDefault();
  dialog.close();
});

dialog.addEventListener("close", () => dialog.replaceChildren());

document.body.addEventListener("profile-saved", async (event) => {
  dialog.close();
  const id = event.detail.id;
  let select = form.elements.namedItem("profile_id");
  if (!select) {
    select = Object.assign(document.createElement("input"), { type: "hidden", name: "profile_id" });
    form.querySelector('[data-part="profile"]').append(select);
  } else if (select.options && ![...select.options].some((option) => option.value === id)) {
    select.append(new Option(id, id));
  }
  select.value = id;
  shapes.delete("profile");
  await refresh();
  form.elements.namedItem("profile_id").focus();
});

showPicks();
lookAtUploads();
form.dataset.ready = "";
