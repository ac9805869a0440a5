// Looks again while something moves, without the jump of a reload. Everything works without it: a
// page that has to move says so to browsers without script by itself.
"use strict";

const main = document.getElementById("main");
const side = document.querySelector(".side");
const every = Number(main.dataset.fresh) * 1000;
let failures = 0;
let seen = new Date();

// Whoever types, ticks or reads what they have opened is not disturbed.
function isBusy(place) {
  const at = document.activeElement;
  if (place.contains(at) && at.matches("input, select, textarea")) return true;
  if (place.querySelector("details[open]")) return true;
  return [...place.querySelectorAll("input, select, textarea")].some((field) =>
    field.type === "checkbox" ? field.checked !== field.defaultChecked
      : "defaultValue" in field && field.value !== field.defaultValue);
}

// What tells one link or button from every other, wherever it stands after the next look.
function keyOf(place) {
  const form = place.closest("form")?.getAttribute("action") ?? "";
  const told = ["id", "href", "name", "value", "formaction", "aria-label"];
  const own = told.map((name) => place.getAttribute(name) ?? "");
  const bare = own.every((word) => !word);
  return [place.tagName, form, ...own, bare ? place.textContent : ""].join("\n");
}

function places() {
  return [...document.querySelectorAll("a, button, summary, [tabindex='0']")];
}

// The keyboard stays on the same thing, and on nothing rather than on another one.
function keepingFocus(change) {
  const at = document.activeElement;
  const key = places().includes(at) ? keyOf(at) : "";
  change();
  if (!key || document.activeElement === at) return;
  const same = places().filter((place) => keyOf(place) === key);
  (same.length === 1 ? same[0] : main).focus({ preventScroll: true });
}

function show(page) {
  const next = page.getElementById("main");
  const around = page.querySelector(".side");
  keepingFocus(() => {
    main.replaceChildren(...next.childNodes);
    if (around && !isBusy(side)) side.replaceChildren(...around.childNodes);
  });
  document.title = page.title;
  const icon = document.querySelector("link[rel=icon]");
  const mark = page.querySelector("link[rel=icon]").getAttribute("href");
  if (icon.getAttribute("href") !== mark) icon.setAttribute("href", mark);
  say();
  return "fresh" in next.dataset;
}

function say() {
  const said = main.querySelector("[data-said]")?.textContent ?? "";
  const told = document.getElementById("told");
  if (said && told.textContent !== said) told.textContent = said;
}

// An open page that could not look says since when it is only a picture.
function isLive(yes) {
  failures = yes ? 0 : failures + 1;
  if (yes) seen = new Date();
  const note = document.getElementById("not-live");
  if (yes) note.hidden = true;
  if (failures < 2 || !note.hidden) return;
  note.querySelector("time").textContent =
    seen.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  note.hidden = false;
}

async function fetched(address) {
  const headers = { "X-Looks-Again": "1" };
  const answer = await fetch(address, { credentials: "same-origin", headers });
  if (answer.redirected) return location.reload();
  if (!answer.ok) throw new Error(answer.status);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Of a large page that moves only the part that does is asked for; without it, it moves no more.
async function lookAtPart(part) {
  const page = await fetched(part.dataset.part);
  const next = page?.querySelector("[data-part]");
  if (!next) return false;
  part.replaceWith(next);
  say();
  return true;
}

async function look() {
  let goesOn = true;
  try {
    const part = document.hidden ? null : main.querySelector("[data-part]");
    if (part && (await lookAtPart(part))) {
      isLive(true);
    } else if (!document.hidden && !isBusy(main)) {
      const page = await fetched(location.href);
      if (page) goesOn = show(page);
      isLive(true);
    }
  } catch {
    isLive(false);
  }
  if (goesOn) setTimeout(look, every);
}

if (every) setTimeout(look, every);
