/* Rows for a spreadsheet, and the clipboard. */

const FIELDS = [
  ["status", (row) => row.status],
  ["instance", (row) => row.instance],
  ...["name", "environment", "account", "region", "fleet"].map((name) => [name, (row) => row[name] ?? ""]),
  ["differs", detailsText],
  ["imdsv1Calls", (row) => row.imdsv1Calls?.count ?? ""],
  ["imdsv1Lookup", callsOf],
  ["firstImdsv1Call", (row) => row.imdsv1Calls?.first ?? ""],
  ["lastImdsv1Call", (row) => row.imdsv1Calls?.last ?? ""],
  ["exemptUntil", (row) => row.exempt?.until ?? ""],
  ["exemptReason", (row) => row.exempt?.reason ?? ""],
];

/* A cell that begins like a formula would be run by a spreadsheet. */
const plain = (value) => {
  const text = String(value);
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
};

const asCsv = (rows) => {
  const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return lines(rows, ",", cell);
};

const asTsv = (rows) => lines(rows, "\t", (value) => value.replace(/[\t\r\n]+/g, " "));

const lines = (rows, separator, cell) =>
  [FIELDS.map(([name]) => name), ...rows.map((row) => FIELDS.map(([, value]) => cell(plain(value(row)))))]
    .map((cells) => cells.join(separator))
    .join("\r\n");

/* Where a page may not use the clipboard, an old way may still work: a field that is selected and copied. */
const copyText = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = document.activeElement;
    const field = element("textarea", { "aria-label": "Copied text", class: "visually-hidden" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    focused?.focus();
    return done;
  }
};
