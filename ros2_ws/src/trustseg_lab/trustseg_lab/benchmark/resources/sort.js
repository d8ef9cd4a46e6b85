// SPDX-FileCopyrightText: 2026 TrustSeg maintainers
// SPDX-License-Identifier: Apache-2.0
// Sorts a table by the column whose head is clicked, or chosen with Enter: numbers as numbers, empty cells last.
// Above a long table a field keeps the rows that hold every word typed into it.
"use strict";
const LONG = 20;
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const sort = (place) => {
    const falling = heads[place].getAttribute("aria-sort") !== "descending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[place].setAttribute("aria-sort", falling ? "descending" : "ascending");
    const value = (row) => (row.cells[place].firstChild ? row.cells[place].firstChild.textContent : "");
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const left = value(a), right = value(b);
      if (left === "" || right === "") return (left === "") - (right === "");
      const x = Number(left), y = Number(right);
      const order = Number.isNaN(x) || Number.isNaN(y) ? left.localeCompare(right) : x - y;
      return falling ? -order : order;
    });
    table.tBodies[0].append(...rows);
  };
  heads.forEach((head, place) => {
    head.addEventListener("click", () => sort(place));
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(place); });
  });
  if (table.tBodies[0].rows.length > LONG) {
    const field = document.createElement("input");
    field.type = "search";
    field.className = "filter";
    field.placeholder = "show rows with these words";
    field.setAttribute("aria-label", field.placeholder);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/);
      for (const row of table.tBodies[0].rows) {
        const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    table.parentElement.before(field);
  }
}
