// What makes Setup quicker to use. Every page works without it.
"use strict";

// --- Quick Find: `/` or Ctrl-K, a few letters, arrows, Enter -----------------------------------------------------
const find = document.querySelector("[data-find]");
const found = document.getElementById("found");

function options() { return [...found.querySelectorAll("[role=option]")]; }

function choose(option) {
  for (const each of options()) each.setAttribute("aria-selected", String(each === option));
  if (option) {
    find.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else find.removeAttribute("aria-activedescendant");
}

function close() {
  found.hidden = true;
  find.setAttribute("aria-expanded", "false");
  choose(null);
}

function go(option) {
  if (option) option.querySelector("a").click();
  else find.form.submit();
}

if (find) {
  find.setAttribute("role", "combobox");
  find.setAttribute("aria-expanded", "false");
  find.setAttribute("aria-controls", "found");
  find.setAttribute("aria-autocomplete", "list");
  let asked = 0;
  let going = false; // Enter came before the answer did: go to what it finds first
  find.addEventListener("input", async () => {
    going = false;
    const question = find.value.trim();
    const mine = ++asked;
    if (!question) { close(); found.replaceChildren(); return; }
    const answer = await fetch(`/setup/find?part=1&q=${encodeURIComponent(question)}`, { credentials: "same-origin" });
    if (mine !== asked || !answer.ok || answer.redirected) return;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    found.replaceChildren(...made.body.childNodes);
    found.hidden = false;
    find.setAttribute("aria-expanded", "true");
    find.dataset.answered = question;
    choose(options()[0] || null);
    if (going) go(options()[0]);
  });
  find.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" && all.length) choose(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp" && all.length) choose(all[(at - 1 + all.length) % all.length]);
    else if (event.key === "Escape") { close(); find.value = ""; }
    else if (event.key === "Enter" && find.value.trim()) {
      going = find.dataset.answered !== find.value.trim();
      if (!going) go(all[at]);
    }
    else return;
    event.preventDefault();
  });
  find.addEventListener("blur", () => setTimeout(close, 200));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if ((event.key === "/" && !typing) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      find.focus();
      find.select();
    }
  });
}

// --- The menu is folded on a phone -----------------------------------------------------------------------------
const menu = document.querySelector("[data-menu]");
const narrow = window.matchMedia("(max-width: 52rem)");
if (menu) {
  const fold = () => { menu.open = !narrow.matches; };
  fold();
  narrow.addEventListener("change", fold);
}
document.addEventListener("click", (event) => {
  for (const each of document.querySelectorAll("details.menu[open]")) if (!each.contains(event.target)) each.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const each of document.querySelectorAll("details.menu[open]")) {
    if (each.contains(document.activeElement)) each.querySelector("summary").focus(); // not left in what is hidden
    each.open = false;
  }
});

// --- Forms that change with what is chosen: the server draws them anew, what was typed stays ----------------------
async function redraw(form, wanted, focus) {
  const sent = new URLSearchParams(new FormData(form));
  sent.set("do", wanted);
  const answer = await fetch(form.action, { method: "POST", body: sent, credentials: "same-origin" });
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = made.querySelector("form[data-form]");
  if (!fresh) { document.getElementById("main").replaceWith(made.getElementById("main")); return; } // what was refused
  form.replaceWith(fresh);
  for (const field of fresh.querySelectorAll("input[type=password], [data-secret]")) {
    const before = form.elements.namedItem(field.name); // a secret never comes back from the server
    if (before && before.value) field.value = before.value;
  }
  for (const each of fresh.querySelectorAll("[data-retype]")) each.remove();
  ready(fresh);
  const target = fresh.querySelector("#problems, #plan") || (focus && document.getElementById(focus));
  if (target) target.focus();
}

function ready(within) {
  for (const select of within.querySelectorAll("select[data-redraw]"))
    select.addEventListener("change", () => redraw(select.form, "redraw", select.id));
  for (const button of within.querySelectorAll("button[data-redraw-button]"))
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const rows = button.closest("fieldset");
      redraw(button.form, "redraw", rows ? rows.id : "").then(() => {
        const again = rows && document.getElementById(rows.id);
        const last = again && [...again.querySelectorAll(".row")].at(-1);
        const first = last && last.querySelector("input, select, textarea");
        if (first) first.focus();
      });
    });
  for (const button of within.querySelectorAll("button[value=preview]"))
    button.addEventListener("click", (event) => { event.preventDefault(); redraw(button.form, "preview", ""); });
  // Where a change is confirmed once it was shown, it is shown here: what was typed stays in the form.
  for (const seen of within.querySelectorAll("input[name=seen][value='']"))
    for (const button of seen.form.querySelectorAll("button[value=save]"))
      button.addEventListener("click", (event) => { event.preventDefault(); redraw(button.form, "preview", ""); });
  // A file is read here: text as it stands, anything else (PKCS #12) in base64.
  for (const input of within.querySelectorAll("input[data-file]")) {
    input.parentElement.hidden = false;
    input.addEventListener("change", async () => {
      if (!input.files.length) return;
      const bytes = new Uint8Array(await input.files[0].arrayBuffer());
      let text;
      try {
        text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      } catch {
        text = btoa(bytes.reduce((whole, each) => whole + String.fromCharCode(each), ""));
      }
      document.getElementById(input.dataset.file).value = text;
    });
  }
}
ready(document);

// --- Text to copy --------------------------------------------------------------------------------------------------
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = "Copied";
  });
}

// --- The first problem of a form is where one goes on ---------------------------------------------------------------
const problems = document.getElementById("problems") || document.getElementById("plan");
if (problems) problems.focus();
