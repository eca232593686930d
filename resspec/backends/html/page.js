"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const picture = document.querySelector("#picture");
const head = document.querySelector("#parts thead tr");
const body = document.querySelector("#parts tbody");
const open = new Set();
let sorting = { column: null, falling: true };
let pinned = null;

function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/* --- what belongs together: rows of the table, shapes of the drawing, lines of the spec --- */

const rows = data.rows.map((row, number) => ({ ...row, number, children: [], shapes: [] }));
const roots = [];
for (const row of rows) (row.parent === null ? roots : rows[row.parent].children).push(row);

const shapes = new Map();
for (const element of picture.querySelectorAll("[data-rows]")) {
  for (const key of element.dataset.rows.split(" ")) {
    if (!shapes.has(key)) shapes.set(key, []);
    shapes.get(key).push(element);
  }
}
const rowsOfShape = new Map();
for (const row of rows) {
  for (const key of row.keys) {
    for (const shape of shapes.get(key) || []) {
      for (let around = row; around; around = rows[around.parent]) around.shapes.push(shape);
      if (!rowsOfShape.has(shape)) rowsOfShape.set(shape, []);
      rowsOfShape.get(shape).push(row);
    }
  }
}
const panels = new Map();
for (const element of picture.querySelectorAll("[data-section]")) panels.set(element.dataset.section, element);

const lines = new Map();
const rowsOfLine = new Map();
for (const row of rows) {
  for (const line of [...row.own, ...row.around]) {
    if (!rowsOfLine.has(line)) rowsOfLine.set(line, []);
    rowsOfLine.get(line).push(row);
  }
}

/* --- lighting --- */

function shown(row) {
  for (let around = rows[row.parent]; around; around = rows[around.parent]) if (!open.has(around)) row = around;
  return row;
}

function light(chosen, own, around) {
  for (const element of document.querySelectorAll(".lit, .near")) element.classList.remove("lit", "near");
  const lit = [];
  for (const row of chosen) {
    lit.push(shown(row).element, ...row.shapes, ...(row.bars || []));
    for (const panel of row.panels) if (panels.has(panel)) lit.push(panels.get(panel));
  }
  for (const element of lit) element.classList.add("lit");
  for (const line of around) if (lines.has(line)) lines.get(line).classList.add("near");
  for (const line of own) if (lines.has(line)) lines.get(line).classList.add("lit");
  for (const pane of document.querySelectorAll(".pane")) follow(pane);
}

function follow(pane) {
  const target = pane.querySelector(".lit") || pane.querySelector(".near");
  if (!target || pane.matches(":hover") || pane.contains(document.activeElement)) return;
  const around = pane.getBoundingClientRect(), place = target.getBoundingClientRect();
  if (place.top < around.top + 30 || place.bottom > Math.min(around.bottom, innerHeight) - 10) {
    pane.scrollTop += place.top - around.top - around.height / 3;
  }
}

function lightRows(chosen) {
  light(chosen, chosen.flatMap((row) => row.own), chosen.flatMap((row) => row.around));
}

function lightLine(line) {
  const inner = (rowsOfLine.get(line) || []).filter((row) => row.own.includes(line));
  light(inner.length ? inner : rowsOfLine.get(line) || [], [line], []);
}

function pin(show, words) {
  pinned = pinned && pinned.words === words ? null : { show, words };
  document.getElementById("status").textContent = pinned ? words : "";
  restore();
}

function restore() {
  if (pinned) pinned.show();
  else light([], [], []);
}

function links(element, show) {
  element.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") show(); });
  element.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") restore(); });
  if (element.ownerSVGElement) return; /* a listener would make each shape a stop of the Tab key */
  element.addEventListener("focusin", show);
  element.addEventListener("focusout", restore);
}

function told(row) {
  return [row.name, row.holds, ...row.own.map((line) => `line ${line}`)].filter(Boolean).join(", ");
}

/* --- the table --- */

function heading(column, number) {
  const button = made("button", { type: "button" }, column.heading);
  const cell = made("th", { scope: "col", className: column.wide ? "wide" : "" }, number === 0 ? column.heading : button);
  if (number > 0) button.addEventListener("click", () => sort(number - 1));
  return cell;
}

function sort(column) {
  if (sorting.column !== column) sorting = { column, falling: true };
  else if (sorting.falling) sorting = { column, falling: false };
  else sorting = { column: null, falling: true };
  [...head.children].forEach((cell, number) => {
    if (number - 1 === sorting.column) cell.setAttribute("aria-sort", sorting.falling ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
  arrange();
}

function ordered(siblings) {
  const { column, falling } = sorting;
  if (column === null) return siblings;
  return [...siblings].sort((a, b) => (falling ? -1 : 1) * (a.values[column] - b.values[column]) || a.number - b.number);
}

function arrange() {
  const visit = (row) => [row.element, ...ordered(row.children).flatMap(visit)];
  body.append(...ordered(roots).flatMap(visit));
}

function reveal() {
  for (const row of rows) row.element.hidden = shown(row) !== row;
}

function fold(row, wanted) {
  if (wanted) open.add(row);
  else open.delete(row);
  if (row.folds) row.folds.setAttribute("aria-expanded", String(wanted));
}

function cell([text, remark], number) {
  const classes = [data.columns[number + 1].wide ? "wide" : "", remark ? "differs" : "", /^0B?$/.test(text) ? "none" : ""];
  return made("td", { className: classes.filter(Boolean).join(" ") }, text, ...(remark ? [made("small", {}, remark)] : []));
}

function line(row) {
  const name = made("button", { type: "button", className: "name", title: row.name },
    ...(row.sign ? [`${row.sign} `] : []), ...row.label.split(/(?<=\.)(?=[^.])/).flatMap((part) => [part, made("wbr")]));
  const label = made("div", {}, name, ...(row.holds ? [made("small", {}, row.holds)] : []));
  const part = made("div", { className: "part" });
  if (row.children.length) {
    row.folds = made("button", { type: "button", className: "fold", "aria-expanded": "false", "aria-label": `parts of ${row.name}` });
    row.folds.addEventListener("click", () => { fold(row, !open.has(row)); reveal(); });
    part.append(row.folds);
  } else part.append(made("span", { className: "no-fold" }));
  if (row.tint) part.append(made("span", { className: `swatch ${row.tint}` }));
  part.append(label);
  const cells = row.shown.map(cell);
  row.element = made("tr", { className: `level-${row.level} ${row.change} ${cells.length ? row.children.length || row.level === 1 ? "" : "leaf" : "said"}`.trim() },
    made("th", { scope: "row", colSpan: cells.length ? 1 : data.columns.length }, part), ...cells);
  links(row.element, () => lightRows([row]));
  name.addEventListener("click", () => pin(() => lightRows([row]), told(row)));
}

/* --- bars --- */

function bar({ heading, total, parts }) {
  const segments = parts.filter(([, share]) => share > 0).map(([number, share, value]) => {
    const row = roots[number], name = row.label.replace(/\.\.$/, "").split(".").slice(-2).join(".");
    const segment = made("li", { className: row.tint, title: `${row.label}: ${value} ${heading}, ${(100 * share).toFixed(1)} %` },
      made("span", {}, name), made("span", { className: "unseen" }, ` ${value}`));
    segment.style.width = `${100 * share}%`;
    (row.bars = row.bars || []).push(segment);
    links(segment, () => lightRows([row]));
    return segment;
  });
  return made("div", { className: "bar" },
    made("span", {}, heading), made("ul", { "aria-label": heading }, ...segments), made("span", {}, total));
}

/* --- the spec --- */

function source({ name, text }) {
  const list = text.map((words, index) => {
    const key = `${name}:${index + 1}`;
    const linked = rowsOfLine.has(key);
    const number = made(linked ? "button" : "span", linked
      ? { type: "button", "aria-label": `line ${index + 1}: ${words.trim()}` } : { className: "number" }, String(index + 1));
    const item = made("li", {}, number, made("code", {}, words));
    if (linked) {
      links(item, () => lightLine(key));
      number.addEventListener("click", () => pin(() => lightLine(key), `line ${key}`));
      lines.set(key, item);
    }
    return item;
  });
  return [made("h3", {}, name), made("ol", {}, ...list)];
}

/* --- all of it --- */

head.append(...data.columns.map(heading));
rows.forEach(line);
document.getElementById("totals").append(...data.totals.map(([name, value, more]) =>
  made("div", {}, made("dt", {}, name), made("dd", {}, value, ...(more ? [" ", made("small", {}, more)] : [])))));
document.querySelector("#parts tfoot").append(made("tr", {}, made("th", { scope: "row" }, "total"),
  ...data.total.map(cell)));
document.getElementById("bars").append(...data.bars.map(bar));
document.querySelector("#exact tbody").append(...data.exact.map(([name, ...values]) =>
  made("tr", {}, made("th", { scope: "row" }, name), ...values.map((text) => made("td", {}, text)))));
if (data.outputs.length) {
  const [headings, ...outputs] = data.outputs;
  const row = ([name, ...values]) => made("tr", {}, made("th", { scope: "row" }, name), ...values.map((text) => made("td", {}, text)));
  document.querySelector("#outputs thead tr").append(...headings.map((words) => made("th", { scope: "col" }, words)));
  document.querySelector("#outputs tbody").append(...outputs.map(row));
  document.getElementById("outputs").hidden = false;
}
document.querySelector("#spec .pane").append(...data.sources.flatMap(source));
arrange();
reveal();

for (const [shape, linked] of rowsOfShape) {
  links(shape, () => lightRows(linked));
  shape.addEventListener("click", () => pin(() => lightRows(linked), linked.map(told).join("; ")));
}
for (const [id, wanted] of [["open-all", true], ["close-all", false]]) {
  document.getElementById(id).addEventListener("click", () => {
    for (const row of rows) if (row.children.length) fold(row, wanted);
    reveal();
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && pinned) pin(pinned.show, pinned.words);
});
