// SPDX-FileCopyrightText: 2026 TrustSeg maintainers
// SPDX-License-Identifier: Apache-2.0
// Sorts a table by the column whose head is clicked, or chosen with Enter: numbers as numbers, empty cells last.
"use strict";
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
}
