/* Draws the page of the table that the state asks for. Text reaches the document as text only. */

const PRINT_LIMIT = 2000;
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const icon = (kind) => {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${kind}`);
  svg.append(use);
  return svg;
};

const statusMark = (kind, text) => element("span", { class: `status is-${kind}` }, icon(kind), text);

const CELLS = {
  status: (row) => [statusMark(row.status, LABELS.get(row.status))],
  instance: (row) => [
    element("span", { class: "fixed" },
      element("span", { class: "id" }, row.instance),
      element("button", { type: "button", class: "copy", "aria-label": `Copy ${row.instance}`, "data-copy": row.instance, title: "Copy" }, icon("copy"))),
  ],
  details: (row) => {
    const lines = [
      ...differing(row).map((each) => element("li", {},
        element("code", {}, each.name), " ", element("span", { class: `differs is-${each.kind}` }, String(each.value)),
        ", ", element("span", { class: "wanted" }, `wanted ${each.wanted}`))),
      ...notes(row).map((note) => element("li", {}, element("small", {}, note))),
    ];
    return lines.length ? [element("ul", {}, ...lines)] : [];
  },
  calls: (row) => {
    const last = minute(row.imdsv1Calls?.last);
    const text = element("span", ["some", "none"].includes(callsOf(row)) ? {} : { class: "quiet" }, callsText(row));
    return [element("span", {}, text, ...(last ? [element("small", {}, `last ${last}`)] : []))];
  },
};

const drawRow = (row) => element("tr", { role: "row" }, ...COLUMNS.map((column) => {
  const attributes = { "data-label": column.label, ...(column.css && { class: column.css }) };
  const content = CELLS[column.key] ? CELLS[column.key](row) : [column.text(row)].filter(Boolean);
  return column.key === "instance"
    ? element("th", { scope: "row", role: "rowheader", ...attributes }, ...content)
    : element("td", { role: "cell", ...attributes }, ...content);
}));

const drawHeader = (onSort) => {
  byId("table").tHead.rows[0].replaceChildren(...COLUMNS.map((column) => {
    const button = element("button", { type: "button" }, column.label);
    button.addEventListener("click", () => onSort(column));
    return element("th", { scope: "col", role: "columnheader", "data-column": column.key, ...(column.css && { class: column.css }) }, button);
  }));
};

const markSorted = (sort) => {
  for (const head of byId("table").tHead.rows[0].cells) {
    const direction = sort === head.dataset.column ? "ascending" : sort === `-${head.dataset.column}` ? "descending" : null;
    if (direction) head.setAttribute("aria-sort", direction);
    else head.removeAttribute("aria-sort");
  }
};

const drawRows = (rows) => {
  const none = () => element("tr", { role: "row" }, element("td", { class: "no-rows", role: "cell", colspan: COLUMNS.length }, "No instance matches. Clear the filters to see all."));
  byId("table").tBodies[0].replaceChildren(...(rows.length ? rows.map(drawRow) : [none()]));
};

const many = (number, noun) => `${whole.format(number)} ${noun}${number === 1 ? "" : "s"}`;

const matchesText = (found) =>
  found === instances.length ? many(found, "instance") : `${whole.format(found)} of ${many(instances.length, "instance")}`;
