/* Connects the controls, the address and the table. */

const form = byId("filters");
let state = parseState(isState(location.hash) ? location.hash : "");
let rows = [];

/* "=prod" chooses prod, "=" those without a value, and "" all. */
const fillSelect = (name, values) => {
  const select = form.elements[name];
  select.replaceChildren(element("option", { value: "" }, "All"), ...values.map(([value, label]) => element("option", { value: `=${value}` }, label)));
};

const fillSelects = () => {
  fillSelect("status", statuses);
  for (const name of Object.keys(NO_VALUE)) {
    const values = [...new Set(instances.map((row) => row[name] ?? ""))].sort(collator.compare);
    fillSelect(name, values.map((value) => [value, value || NO_VALUE[name]]));
  }
  fillSelect("option", [...new Set(instances.flatMap((row) => Object.keys(row.wanted ?? {})))].map((name) => [name, name]));
  fillSelect("calls", CALLS);
};

const showControls = () => {
  if (form.elements.q.value !== state.q) form.elements.q.value = state.q;
  for (const name of FILTERS) {
    const select = form.elements[name];
    select.value = state[name] === null ? "" : `=${state[name]}`;
    select.classList.toggle("is-set", state[name] !== null);
  }
  byId("size").value = String(state.size);
};

const draw = () => {
  rows = sorted(matching(state), state.sort);
  const pages = Math.max(1, Math.ceil(rows.length / state.size));
  state.page = Math.min(state.page, pages);
  const first = (state.page - 1) * state.size;
  drawRows(rows.slice(first, first + state.size));
  markSorted(state.sort);
  showControls();
  byId("matches").textContent = matchesText(rows.length);
  byId("page").textContent = rows.length ? `${whole.format(first + 1)} to ${whole.format(Math.min(first + state.size, rows.length))} of ${whole.format(rows.length)}` : "";
  byId("previous").disabled = state.page === 1;
  byId("next").disabled = state.page === pages;
};

/* Whatever changes the rows leads to their first page. */
const change = (changes) => {
  state = { ...state, page: 1, ...changes };
  draw();
  try {
    history.replaceState(null, "", `#${renderState(state) || "instances"}`);
  } catch { /* browsers refuse too many within some seconds; the next one succeeds */ }
};

/* The button that leads no further cannot keep the focus, so that it goes to the other one. */
const turn = (by, other) => {
  const button = document.activeElement;
  change({ page: state.page + by });
  if (button.disabled) byId(other).focus();
};

const copied = async (text, what) => {
  const done = await copyText(text);
  byId("matches").textContent = `${matchesText(rows.length)}. ${done ? `Copied ${what}.` : "The browser did not allow copying."}`;
};

const connectTable = () => {
  drawHeader((column) => {
    const [once, again] = column.descends ? [`-${column.key}`, column.key] : [column.key, `-${column.key}`];
    change({ sort: state.sort === once ? again : once });
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name, value } = event.target;
    change({ [name]: name === "q" ? value : value === "" ? null : value.slice(1) });
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    change({ ...EMPTY, sort: state.sort, size: state.size });
  });
  byId("size").addEventListener("change", (event) => change({ size: Number(event.target.value) }));
  byId("previous").addEventListener("click", () => turn(-1, "next"));
  byId("next").addEventListener("click", () => turn(1, "previous"));
  byId("table").addEventListener("click", (event) => {
    const id = event.target.closest("[data-copy]")?.dataset.copy;
    if (id) copied(id, id);
  });
  byId("copy-tsv").addEventListener("click", () => copied(asTsv(rows), many(rows.length, "row")));
  byId("copy-csv").addEventListener("click", () => copied(asCsv(rows), many(rows.length, "row")));
  addEventListener("hashchange", () => {
    if (location.hash && !isState(location.hash)) return;
    state = parseState(location.hash);
    draw();
    if (!location.hash) return; // back where the reader came from
    byId("instances").focus({ preventScroll: true });
    byId("instances").scrollIntoView();
  });
};

/* On paper there are no pages: all rows that match are printed, up to a limit, and every list is open. */
const connectPrinting = () => {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
    if (!instances.length) return;
    drawRows(rows.slice(0, PRINT_LIMIT));
    byId("printed").textContent = rows.length > PRINT_LIMIT
      ? `The first ${whole.format(PRINT_LIMIT)} of ${whole.format(rows.length)} rows are printed. Filter the table to print others.` : "";
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
    if (instances.length) draw();
    byId("printed")?.replaceChildren();
  });
};

const connectTheme = () => {
  const button = byId("theme");
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const current = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const show = () => { button.lastElementChild.textContent = current() === "dark" ? "Light theme" : "Dark theme"; };
  button.addEventListener("click", () => {
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    try { localStorage.setItem("imds-report-theme", root.dataset.theme); } catch { /* it holds until the page is closed */ }
    show();
  });
  dark.addEventListener("change", show);
  show();
  button.hidden = false;
};

connectTheme();
connectPrinting();
if (instances.length) {
  fillSelects();
  connectTable();
  draw();
  for (const id of ["filters", "toolbar", "table", "pages"]) byId(id).hidden = false;
  if (isState(location.hash)) byId("instances").scrollIntoView();
}
performance.mark("table-ready");
