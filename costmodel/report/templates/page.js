"use strict";
(() => {
  const root = document.documentElement;
  const say = (text) => { document.getElementById("status").textContent = text; };

  const toggle = document.getElementById("theme");
  const wanted = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = false;
  const show = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    toggle.setAttribute("aria-pressed", String(dark));
  };
  show(wanted.matches);
  wanted.addEventListener("change", () => { if (!chosen) show(wanted.matches); });
  toggle.addEventListener("click", () => { chosen = true; show(root.dataset.theme !== "dark"); });

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : Number(cell.dataset.sort);
  };
  // Numbers come before texts such as a dash, whatever the direction.
  const order = (a, b, sign) => {
    if (typeof a === typeof b) return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
    return typeof a === "number" ? -1 : 1;
  };
  const sort = (table, heading, column) => {
    const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => order(key(a, column), key(b, column), sign));
    body.append(...rows);
    say(`Sorted by ${heading.textContent}, ${sign > 0 ? "ascending" : "descending"}`);
  };
  const filter = (table, text) => {
    const rows = [...table.tBodies[0].rows];
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(text.toLowerCase());
      shown += row.hidden ? 0 : 1;
    }
    say(`${shown} of ${rows.length} rows`);
  };

  for (const frame of document.querySelectorAll(".table")) {
    const table = frame.querySelector("table");
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener("click", () => sort(table, heading, column));
    });
    if (frame.dataset.filter) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "search";
      label.append("Filter rows", input);
      frame.prepend(label);
      input.addEventListener("input", () => filter(table, input.value));
    }
  }

  for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => {
      for (const fold of button.closest(".folds").querySelectorAll("details")) fold.open = button.dataset.open === "true";
    });
  }
  // Paper cannot be clicked: all is opened for it, and closed again as it was.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const fold of closed) fold.open = true;
  });
  window.addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });
})();
