// The case page: results in tabs, and parts that are put in anew while the page is open. Without this it is one long page.

const LONGEST_WAIT = 15000;

/** Sections with a heading become tabs, as the pattern for tabs has it: arrows move, one tab stop. */
function makeTabs(box) {
  const panels = [...box.querySelectorAll(":scope > section")];
  const list = document.createElement("div");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", box.dataset.label);
  const tabs = panels.map((panel) => {
    const heading = panel.querySelector("h3");
    const tab = document.createElement("button");
    tab.type = "button";
    tab.setAttribute("role", "tab");
    tab.id = `tab-${panel.id}`;
    tab.setAttribute("aria-controls", panel.id);
    tab.dataset.name = heading.textContent;
    heading.classList.add("sr");
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    panel.tabIndex = 0;
    list.append(tab);
    return tab;
  });
  const choose = (index, focus) => {
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
      panels[at].hidden = at !== index;
    });
    if (focus) tabs[index].focus();
  };
  list.addEventListener("click", (event) => {
    const index = tabs.indexOf(event.target.closest('[role="tab"]'));
    if (index >= 0) choose(index, true);
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    choose((to + tabs.length) % tabs.length, true);
  });
  box.prepend(list);
  countTabs(box);
  // The first that has something to show; else the first.
  const filled = panels.findIndex((panel) => panel.querySelector(".tree, .findings, .plain"));
  choose(Math.max(0, filled), false);
}

function countTabs(box) {
  for (const tab of box.querySelectorAll('[role="tab"]')) {
    const panel = document.getElementById(tab.getAttribute("aria-controls"));
    const count = panel.querySelectorAll(".tree details, .findings > li").length;
    tab.textContent = count ? `${tab.dataset.name} (${count})` : tab.dataset.name;
  }
}

/** Puts a part in anew; what was open, ticked or focused stays so. */
function replacePart(part, html) {
  const open = new Map([...part.querySelectorAll("details[id]")].map((one) => [one.id, one.open]));
  const ticked = new Set([...part.querySelectorAll("input:checked")].map((one) => one.value));
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const place = focused?.closest("[id]")?.id;
  const value = focused?.value;
  part.innerHTML = html;
  for (const one of part.querySelectorAll("details[id]")) if (open.has(one.id)) one.open = open.get(one.id);
  for (const one of part.querySelectorAll("input[type=checkbox]")) one.checked = ticked.has(one.value);
  if (focused?.matches("input")) part.querySelector(`input[value="${CSS.escape(value)}"]`)?.focus();
  else if (place) (document.getElementById(place)?.querySelector("summary") ?? document.getElementById(place))?.focus();
  document.dispatchEvent(new CustomEvent("htmx:afterSettle", { detail: { elt: part } }));
}

function isClosed(page) {
  return page.querySelector("[data-closed]")?.dataset.closed;
}

/** Somebody has typed what a page that is read anew would lose, or would hand in once more. */
function isWriting(page) {
  if (`${location.pathname}/live` !== page.dataset.live) return true; // the answer to a form
  if (page.querySelector("[data-attached] > li")) return true;
  const changed = (one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked;
  return [...page.querySelectorAll("textarea, input:not([type=hidden])")].some(changed);
}

/** Follows the case. The browser comes back by itself after a break, but not after a refusal: then this does. */
function follow(page) {
  const says = page.querySelector("[data-says]");
  const lost = page.querySelector("[data-lost]");
  const closed = isClosed(page);
  let mark = page.dataset.mark;
  let wait = 1000;
  const connect = () => {
    const after = mark ? `?after=${encodeURIComponent(mark)}` : "";
    const source = new EventSource(page.dataset.live + after);
    source.addEventListener("open", () => {
      wait = 1000;
      lost.hidden = true;
      page.dataset.connected = "yes";
    });
    source.addEventListener("parts", (event) => {
      mark = event.lastEventId || mark;
      const { parts, said } = JSON.parse(event.data);
      for (const [name, html] of Object.entries(parts)) {
        const part = page.querySelector(`[data-part="${name}"]`);
        if (part) replacePart(part, html);
      }
      page.querySelectorAll("[data-tabs]").forEach(countTabs);
      if (says.textContent !== said) says.textContent = said;
      // Another thing can be done with it now.
      if (isClosed(page) !== closed && !isWriting(page)) location.reload();
    });
    source.addEventListener("error", () => {
      page.dataset.connected = "no";
      if (source.readyState !== EventSource.CLOSED) return;
      lost.hidden = wait < 8000;
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    });
    window.addEventListener("pagehide", () => source.close(), { once: true });
  };
  connect();
}

document.querySelectorAll("[data-tabs]").forEach(makeTabs);
document.querySelectorAll("[data-live]").forEach(follow);
