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
  const field = (words, parts, read, what) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "search";
    label.append(words, input);
    input.addEventListener("input", () => {
      let shown = 0;
      for (const part of parts) {
        part.hidden = !read(part).toLowerCase().includes(input.value.trim().toLowerCase());
        shown += part.hidden ? 0 : 1;
      }
      say(`${shown} of ${parts.length} ${what}`);
    });
    return label;
  };

  for (const frame of document.querySelectorAll(".table")) {
    const table = frame.querySelector("table");
    if (table.tHead === null) continue;
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if (!heading.textContent.trim()) return; // a button needs a name
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, heading, column));
    });
    if (frame.dataset.filter) frame.prepend(field("Filter rows", [...table.tBodies[0].rows], (row) => row.textContent, "rows"));
  }

  for (const group of document.querySelectorAll(".folds[data-filter]")) {
    const folds = [...group.querySelectorAll("details")];
    group.prepend(field("Filter by name", folds, (fold) => fold.querySelector("summary").textContent, "shown"));
  }
  // Whoever follows a link to something folded wants to see it, though a filter hides it.
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target === null || target.tagName !== "DETAILS") return;
    for (let outer = target; outer; outer = outer.parentElement) if (outer.tagName === "DETAILS") outer.open = true;
    target.hidden = false;
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", open);
  open();
  for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => {
      for (const fold of button.closest(".folds").querySelectorAll("details:not([hidden])")) fold.open = button.dataset.open === "true";
    });
  }
  // Paper cannot be clicked: all is opened for it, and closed again as it was.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const fold of closed) fold.open = true;
    charts.drawAll();
  });
  window.addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });
})();
