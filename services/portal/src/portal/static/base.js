// What every page gains where scripts run; without them everything still works.

const csrf = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** fetch() to a page of ours, with the session's token. */
export function send(path, options = {}) {
  return fetch(path, { ...options, headers: { "X-CSRF-Token": csrf, ...options.headers } });
}

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = csrf;
});

/** Moments in the reader's own zone and words. */
export function showMoments(root = document) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const element of root.querySelectorAll("time[data-moment]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    element.textContent = format.format(at);
    element.title = element.dateTime;
    element.removeAttribute("data-moment");
  }
}

function chooseTheme(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const theme = event.submitter?.value;
    document.documentElement.dataset.theme = theme;
    document.cookie = `caseway-theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    const other = form.querySelector(`button:not([value="${theme}"])`);
    other?.focus();
  });
}

function openByHover(menu) {
  menu.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") menu.open = true;
  });
  menu.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !menu.contains(document.activeElement)) menu.open = false;
  });
  menu.querySelector("summary").addEventListener("click", (event) => {
    // The pointer has opened it by coming; its click must not close it at once.
    if (event.pointerType === "mouse") {
      event.preventDefault();
      menu.open = true;
    }
  });
  menu.addEventListener("focusout", (event) => {
    if (!menu.contains(event.relatedTarget)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

/** A second press while the first is under way sends nothing. */
function sendOnce(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => {
    sent = false;
  });
}

showMoments();
document.addEventListener("htmx:afterSettle", (event) => showMoments(event.detail.elt));
document.querySelectorAll("[data-theme-form]").forEach(chooseTheme);
document.querySelectorAll("[data-menu]").forEach(openByHover);
document.querySelectorAll("form[data-once]").forEach(sendOnce);
document.querySelector("[data-focus]")?.focus();
