/* The rows of the table: what their columns say, how they compare, and which ones a filter lets through. */

const { statuses, instances } = JSON.parse(document.getElementById("data")?.textContent ?? '{"statuses":[],"instances":[]}');
const LABELS = new Map(statuses);
const URGENCY = new Map(statuses.map(([status], order) => [status, order]));
const NO_VALUE = { environment: "no environment", account: "not known", region: "not known", fleet: "no fleet" };
const CALLS = [["some", "Called"], ["none", "Did not call"], ["no-data", "No data"], ["not-looked-up", "Not looked up"]];
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const collator = new Intl.Collator("en", { numeric: true });

const callsOf = (row) => {
  if (!row.imdsv1Calls) return "not-looked-up";
  if (row.imdsv1Calls.count === null) return "no-data";
  return row.imdsv1Calls.count > 0 ? "some" : "none";
};

const callsText = (row) => {
  const kind = callsOf(row);
  if (kind === "not-looked-up") return "not looked up";
  return kind === "no-data" ? "no data" : whole.format(row.imdsv1Calls.count);
};

/* "2026-11-26T08:30:00Z" as "2026-11-26 08:30 UTC" */
const minute = (time) => (time ? `${time.slice(0, 10)} ${time.slice(11, 16)} UTC` : "");

const differing = (row) => [
  ...(row.wrong ?? []).map((name) => ({ kind: "not-compliant", name, value: row.options?.[name], wanted: row.wanted[name] })),
  ...(row.unknown ?? []).map((name) => ({ kind: "unknown", name, value: row.options?.[name] ?? "not known", wanted: row.wanted[name] })),
];

const notes = (row) => [
  row.exempt && `exempt until ${row.exempt.until}: ${row.exempt.reason}`,
  row.pending && "a change is accepted and not applied yet",
  row.unfinished && `unfinished: ${row.unfinished}`,
  row.autoscalingGroup && `autoscaling group ${row.autoscalingGroup}`,
  row.operator && `managed by ${row.operator}`,
  row.instanceState && row.instanceState !== "running" && row.instanceState,
].filter(Boolean);

const detailsText = (row) =>
  [...differing(row).map((each) => `${each.name}: ${each.value} -> ${each.wanted}`), ...notes(row)].join("; ");

/* What each column is called, says, and is sorted by: its rank if it has one, else its text, in which "web-2" comes
   before "web-10". A column that descends has its highest first at the first click. */
const COLUMNS = [
  { key: "status", label: "Status", text: (row) => LABELS.get(row.status), rank: (row) => URGENCY.get(row.status) },
  { key: "instance", label: "Instance", text: (row) => row.instance, rank: (row) => row.instance },
  { key: "name", label: "Name", text: (row) => row.name ?? "", css: "free" },
  { key: "environment", label: "Environment", text: (row) => row.environment ?? "", css: "free" },
  { key: "account", label: "Account", text: (row) => row.account ?? "", css: "fixed" },
  { key: "region", label: "Region", text: (row) => row.region ?? "", css: "fixed" },
  { key: "fleet", label: "Fleet", text: (row) => row.fleet ?? "", css: "free" },
  { key: "details", label: "Differs", text: detailsText },
  { key: "calls", label: "IMDSv1 calls", text: callsText, rank: (row) => row.imdsv1Calls?.count ?? -1, css: "number", descends: true },
];
const BY_KEY = new Map(COLUMNS.map((column) => [column.key, column]));

const haystacks = new Map();
const haystack = (row) => {
  if (!haystacks.has(row)) haystacks.set(row, COLUMNS.map((column) => column.text(row)).join("\n").toLowerCase());
  return haystacks.get(row);
};

/* Every word of the search must occur somewhere in the row. */
const matching = (state) => {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const exact = ["status", "environment", "account", "region", "fleet"].filter((name) => state[name] !== null);
  return instances.filter((row) =>
    exact.every((name) => (row[name] ?? "") === state[name])
    && (state.calls === null || callsOf(row) === state.calls)
    && (state.option === null || row.wrong?.includes(state.option) || row.unknown?.includes(state.option))
    && words.every((word) => haystack(row).includes(word)));
};

/* Sorted by "column" or "-column"; equal rows stay in the order of the report. */
const sorted = (rows, sort) => {
  const column = BY_KEY.get(sort.replace(/^-/, ""));
  if (!column) return rows;
  const keys = new Map(rows.map((row) => [row, column.rank ? column.rank(row) : column.text(row)]));
  const compare = column.rank ? (a, b) => (a > b) - (a < b) : (a, b) => (a === "") - (b === "") || collator.compare(a, b);
  const sign = sort.startsWith("-") ? -1 : 1;
  return [...rows].sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
};
