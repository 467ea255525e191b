"use strict";
// What CloudWatch does for a custom widget: a cwdb-action calls the function when the element
// before it is pressed, with the fields of all forms of the widget.
const EVERY_MS = 5000;

async function send(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  return { ok: answer.ok, text: await answer.text() };
}

function fields(widget) {
  const named = widget.querySelectorAll("input[name], select[name]");
  return Object.fromEntries([...named].map((each) => [each.name, each.value]));
}

async function call(widget, asked) {
  const params = JSON.parse(widget.dataset.params);
  const context = { params, forms: { all: fields(widget) } };
  const { ok, text } = await send("/widget", { ...params, ...asked, widgetContext: context });
  if (ok) { widget.innerHTML = text; } else { say(text); }
}

function say(text) {
  const status = document.querySelector("#status");
  if (status) status.textContent = text;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  event.preventDefault();
  button.disabled = true;
  const action = button.nextElementSibling;
  if (action && action.tagName === "CWDB-ACTION") {
    const widget = button.closest(".called");
    widget.asked = JSON.parse(action.textContent);
    await call(widget, widget.asked);
  } else if (button.dataset.does) {
    say("…");
    say((await send("/simulator", { does: button.dataset.does })).text);
  }
  button.disabled = false;
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const search = event.target.nextElementSibling;
  if (search && search.tagName === "BUTTON") search.click();
});

async function refreshParts() {
  try {
    for (const part of document.querySelectorAll("[data-live]")) {
      const answer = await fetch(part.dataset.live);
      if (answer.ok) part.innerHTML = await answer.text();
    }
    if (document.querySelector(".board")) {
      const panels = await (await fetch("/dashboards/panels")).json();
      for (const [id, html] of Object.entries(panels)) {
        const panel = document.getElementById(id);
        if (panel) panel.innerHTML = html;
      }
    }
  } catch { say("The local stack does not answer; it may have ended."); }
}

async function refreshWidgets() {
  for (const widget of document.querySelectorAll(".called")) {
    // Nobody loses what he is typing, and the page of a school stays open.
    if (!widget.contains(document.activeElement)) await call(widget, widget.asked || {});
  }
}
refreshParts();
setInterval(refreshParts, EVERY_MS);
setInterval(refreshWidgets, 6 * EVERY_MS);
