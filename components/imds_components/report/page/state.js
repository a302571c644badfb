/* What the table shows, as the fragment of the address has it, so that a link leads to the same rows. */

const FILTERS = ["status", "environment", "account", "region", "fleet", "option", "calls"];
const SIZES = [25, 50, 100, 200];
const EMPTY = { q: "", sort: "status", page: 1, size: 25, ...Object.fromEntries(FILTERS.map((name) => [name, null])) };

/* A filter that is absent lets everything through; one that is empty finds the rows without a value. */
const parseState = (fragment) => {
  const given = new URLSearchParams(fragment.replace(/^#/, "").replaceAll("+", "%2B"));
  const state = { ...EMPTY };
  for (const name of FILTERS) if (given.has(name)) state[name] = given.get(name);
  state.q = given.get("q") ?? "";
  if (BY_KEY.has((given.get("sort") ?? "").replace(/^-/, ""))) state.sort = given.get("sort");
  if (SIZES.includes(Number(given.get("size")))) state.size = Number(given.get("size"));
  state.page = Math.max(1, Math.floor(Number(given.get("page"))) || 1);
  return state;
};

const renderState = (state) =>
  Object.entries(state)
    .filter(([name, value]) => value !== EMPTY[name])
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");

/* "#instances" is a place on the page, "#status=unknown" a state of the table. */
const isState = (fragment) => fragment.includes("=");
