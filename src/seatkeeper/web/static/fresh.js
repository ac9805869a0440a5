// Looks again while something moves, without the jump of a reload. Everything works without it: a
// page that has to move says so to browsers without script by itself.
"use strict";

const main = document.getElementById("main");
const every = Number(main.dataset.fresh) * 1000;

// Whoever types, ticks or reads what they have opened is not disturbed.
function isBusy() {
  const at = document.activeElement;
  if (main.contains(at) && at.matches("input, select, textarea")) return true;
  if (main.querySelector("details[open]")) return true;
  return [...main.querySelectorAll("input, select, textarea")].some((field) =>
    field.type === "checkbox" ? field.checked !== field.defaultChecked
      : "defaultValue" in field && field.value !== field.defaultValue);
}

function show(page) {
  const places = () => [...main.querySelectorAll("a, button, summary")];
  const at = places().indexOf(document.activeElement);
  const next = page.getElementById("main");
  main.replaceChildren(...next.childNodes);
  if (at >= 0) (places()[at] ?? main).focus({ preventScroll: true });
  document.title = page.title;
  const said = main.querySelector("[data-said]")?.textContent ?? "";
  const told = document.getElementById("told");
  if (said && told.textContent !== said) told.textContent = said;
  return "fresh" in next.dataset;
}

async function look() {
  let goesOn = true;
  if (!document.hidden && !isBusy()) {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected) return location.reload();
      if (answer.ok) goesOn = show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The service restarts, or the network is gone: the next look tells.
    }
  }
  if (goesOn) setTimeout(look, every);
}

if (every) setTimeout(look, every);
