/* Runs before the page is drawn, so that a chosen theme does not flash. A file may not have storage: then none is kept. */
"use strict";
{
  let chosen = null;
  try { chosen = localStorage.getItem("imds-report-theme"); } catch { /* as the system has it */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
